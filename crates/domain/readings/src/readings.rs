use std::sync::Arc;
use std::time::Duration;

use tenantry_kernel::{
    Clock, IdGenerator, JobId, JobKey, JobKind, JobPriority, NewJob, Page, PageRequest, Precondition, Store,
};
use tenantry_tenancy::{Permission, TenantContext};

use crate::ports::{AskingLimits, Entry, LiveReadings, ReadingTransaction};
use crate::{
    Advisor, Bill, Budget, Catalogue, Chunk, Follower, NanoUsd, NewReading, Outcome, Piece, PriceTable, Prompt,
    Reading, ReadingError, ReadingFilter, ReadingId, ReadingStatus, Reservation, Sequence, Settlement,
};

/// The job that answers a reading. Its payload is `{"version": 1, "reading_id": …}`.
pub const READING_JOB: JobKind = JobKind { name: "reading.answer", queue: "readings", max_attempts: 5 };

/// How often a cancellation looks whether the answer has stopped before it says that it is about to.
const LOOKS: u8 = 12;

/// What holds for every question.
#[derive(Debug, Clone)]
pub struct AskingRules {
    /// Whom to ask.
    pub catalogue: Arc<Catalogue>,
    /// What models cost.
    pub prices: Arc<PriceTable>,
    /// What the platform allows each organisation to spend.
    pub budget: Budget,
    /// How many tokens a model may write.
    pub max_completion_tokens: u32,
    /// How long a reading may take from the question to its end.
    pub time_limit: Duration,
    /// How long an answer is given again to the same question of the same organisation; none for never.
    pub reuse_for: Option<Duration>,
}

/// What people do with readings.
pub struct Readings {
    store: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
    live: Arc<dyn LiveReadings>,
    limits: Arc<dyn AskingLimits>,
    rules: AskingRules,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Readings {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
        live: Arc<dyn LiveReadings>,
        limits: Arc<dyn AskingLimits>,
        rules: AskingRules,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, live, limits, rules, clock, ids }
    }

    /// Asks an advisor: the question is stored, the most that the answer can cost is put aside, and a worker is asked for.
    /// With an id that was reserved before, asking again answers the reading that is there.
    ///
    /// # Errors
    /// [`ReadingError::Forbidden`] for a guest, [`ReadingError::UnknownAdvisor`], [`ReadingError::PriceUnknown`],
    /// [`ReadingError::TooMany`], [`ReadingError::BudgetExceeded`].
    pub async fn ask(&self, context: &TenantContext, new: NewReading) -> Result<Reading, ReadingError> {
        context.require(Permission::AskAdvisors)?;
        if let Some(id) = new.id
            && let Some(known) = self.known(context, id).await?
        {
            return Ok(known);
        }
        let advisor = self.advisor(context, &new).await?;
        let now = self.clock.now();
        let id = new.id.unwrap_or_else(|| ReadingId::generate(&*self.ids));
        let owner = (context.organization_id(), context.user_id()?);
        let reading = Reading::ask(new, id, owner, &advisor, (now, now + self.rules.time_limit));
        if let Some(answered) = self.answer_again(context, &reading).await? {
            return Ok(answered);
        }
        let prompt = self.prompt(&advisor, &reading);
        let most = self.most_cost(&advisor, &prompt, &reading)?;
        let tokens = prompt.most_tokens().saturating_add(self.rules.max_completion_tokens.into());
        let taken = self.limits.take(context.organization_id(), tokens).await;
        taken.map_err(|retry_after| ReadingError::TooMany { retry_after })?;

        let mut transaction = self.store.begin(context).await?;
        if !transaction.readings().insert(&reading).await? {
            drop(transaction);
            return self.known(context, id).await?.ok_or(ReadingError::NotFound);
        }
        let budget = self.budget(transaction.as_mut()).await?;
        if !transaction.ledger().reserve(&Reservation::of(&reading, most), &budget).await? {
            return Err(ReadingError::BudgetExceeded);
        }
        transaction.jobs().enqueue(&self.job(&reading)).await?;
        transaction.commit().await?;
        Ok(reading)
    }

    /// A page of the actor's own readings, the newest first.
    ///
    /// # Errors
    /// [`ReadingError::Forbidden`] when nobody in particular acts.
    pub async fn list(
        &self,
        context: &TenantContext,
        filter: &ReadingFilter,
        page: &PageRequest,
    ) -> Result<Page<Reading>, ReadingError> {
        let user_id = context.user_id()?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.readings().list(user_id, filter, page).await?)
    }

    /// One reading.
    ///
    /// # Errors
    /// [`ReadingError::NotFound`]; [`ReadingError::Forbidden`] for another member's.
    pub async fn find(&self, context: &TenantContext, id: ReadingId) -> Result<Reading, ReadingError> {
        let mut transaction = self.store.read(context).await?;
        permitted(transaction.as_mut(), context, id).await
    }

    /// Follows a reading from behind `after`: what is known of it at once, the rest as it comes.
    ///
    /// # Errors
    /// As [`Readings::find`].
    pub async fn follow(
        self: &Arc<Self>,
        context: &TenantContext,
        id: ReadingId,
        after: Sequence,
    ) -> Result<Follower, ReadingError> {
        let reading = self.find(context, id).await?;
        Ok(Follower::new(self.clone(), context.clone(), reading, after))
    }

    /// Waits until a reading is over.
    ///
    /// # Errors
    /// As [`Readings::find`].
    pub async fn wait(&self, context: &TenantContext, id: ReadingId) -> Result<Reading, ReadingError> {
        loop {
            let reading = self.find(context, id).await?;
            if reading.status.is_over() {
                return Ok(reading);
            }
            self.live.ended(id).await;
        }
    }

    /// Says that somebody listens to a reading until `until` from now, if it would be cancelled otherwise.
    ///
    /// # Errors
    /// As [`Readings::find`].
    pub async fn hear(&self, context: &TenantContext, id: ReadingId, until: Duration) -> Result<(), ReadingError> {
        let mut transaction = self.store.begin(context).await?;
        let reading = permitted(transaction.as_mut(), context, id).await?;
        if reading.heard_until.is_none() || reading.status.is_over() {
            return Ok(());
        }
        transaction.readings().hear_until(id, self.clock.now() + until).await?;
        Ok(transaction.commit().await?)
    }

    /// Ends a reading before it has its whole answer; one that is over stays as it is. Answers the reading as it is once
    /// that has happened, or after a second or two, if whoever answers it has not heard of it by then.
    ///
    /// # Errors
    /// As [`Readings::find`].
    pub async fn cancel(&self, context: &TenantContext, id: ReadingId) -> Result<Reading, ReadingError> {
        let mut transaction = self.store.begin(context).await?;
        let mut reading = permitted(transaction.as_mut(), context, id).await?;
        match reading.status {
            ReadingStatus::Completed | ReadingStatus::Failed | ReadingStatus::Cancelled => return Ok(reading),
            ReadingStatus::Pending => {
                let (seen, now) = (reading.revision, self.clock.now());
                reading = reading.ended(Outcome::unanswered(ReadingStatus::Cancelled, None), now);
                transaction.readings().update(&reading, seen).await?;
                transaction.ledger().settle(&Settlement::of(&reading, Bill::default(), None)).await?;
                transaction.commit().await?;
                self.live.stir(id);
                return Ok(reading);
            }
            ReadingStatus::Streaming => {
                transaction.readings().request_stop(id).await?;
                transaction.commit().await?;
            }
        }
        for _ in 0..LOOKS {
            reading = self.find(context, id).await?;
            if reading.status.is_over() {
                break;
            }
            self.live.ended(id).await;
        }
        Ok(reading)
    }

    /// Deletes a reading that is over. What it cost stays booked.
    ///
    /// # Errors
    /// As [`Readings::find`]; [`ReadingError::StillRunning`], [`ReadingError::RevisionMismatch`].
    pub async fn delete(
        &self,
        context: &TenantContext,
        id: ReadingId,
        precondition: &Precondition,
    ) -> Result<(), ReadingError> {
        let mut transaction = self.store.begin(context).await?;
        let reading = permitted(transaction.as_mut(), context, id).await?;
        if !precondition.allows(reading.revision) {
            return Err(ReadingError::RevisionMismatch);
        }
        if !reading.status.is_over() {
            return Err(ReadingError::StillRunning);
        }
        if !transaction.readings().delete(id, reading.revision).await? {
            return Err(ReadingError::RevisionMismatch);
        }
        Ok(transaction.commit().await?)
    }

    /// What goes on with readings at the moment.
    pub(crate) fn live(&self) -> &dyn LiveReadings {
        &*self.live
    }

    /// A reading as it is now, and pieces of it behind `after`: those that the reading had when it was looked at, or
    /// more.
    pub(crate) async fn look(
        &self,
        context: &TenantContext,
        id: ReadingId,
        after: Sequence,
        limit: u16,
    ) -> Result<(Reading, Vec<Chunk>), ReadingError> {
        let mut transaction = self.store.read(context).await?;
        let reading = permitted(transaction.as_mut(), context, id).await?;
        let chunks = transaction.log().read(id, after, limit).await?;
        Ok((reading, chunks))
    }

    async fn known(&self, context: &TenantContext, id: ReadingId) -> Result<Option<Reading>, ReadingError> {
        match self.find(context, id).await {
            Ok(reading) => Ok(Some(reading)),
            Err(ReadingError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The operator's advisor of this name, or else the organisation's.
    async fn advisor(&self, context: &TenantContext, new: &NewReading) -> Result<Advisor, ReadingError> {
        if let Some(advisor) = self.rules.catalogue.find(&new.advisor) {
            return Ok(advisor.clone());
        }
        let mut transaction = self.store.read(context).await?;
        let own = transaction.advisors().find(&new.advisor).await?;
        own.map(|own| self.rules.catalogue.lend(own)).ok_or(ReadingError::UnknownAdvisor)
    }

    fn prompt(&self, advisor: &Advisor, reading: &Reading) -> Prompt {
        Prompt::new(&advisor.manner, &reading.question, self.rules.max_completion_tokens)
    }

    /// The most that any of the advisor's models could ask for.
    fn most_cost(&self, advisor: &Advisor, prompt: &Prompt, reading: &Reading) -> Result<NanoUsd, ReadingError> {
        let day = reading.created_at.date_naive();
        let of_route = |route| {
            let known = self.rules.prices.on(day, route).ok_or(ReadingError::PriceUnknown)?;
            Ok(known.price.of(prompt.most_tokens(), prompt.max_completion_tokens.into()))
        };
        let costs: Vec<NanoUsd> = advisor.manner.routes.iter().map(of_route).collect::<Result<_, ReadingError>>()?;
        costs.into_iter().max().ok_or(ReadingError::PriceUnknown)
    }

    async fn budget(&self, transaction: &mut dyn ReadingTransaction) -> Result<Budget, ReadingError> {
        let own = transaction.ledger().budget().await?;
        Ok(own.map_or(self.rules.budget, |own| own.budget.within(self.rules.budget)))
    }

    /// Gives the answer that the same question got before, where that is wanted.
    async fn answer_again(&self, context: &TenantContext, asked: &Reading) -> Result<Option<Reading>, ReadingError> {
        let Some(reuse_for) = self.rules.reuse_for else { return Ok(None) };
        let since = asked.created_at - reuse_for;
        let mut transaction = self.store.read(context).await?;
        let Some(known) = transaction.readings().find_answer(&asked.question_digest, since).await? else {
            return Ok(None);
        };
        drop(transaction);
        let chunks = chunks_of(&known);
        let outcome = Outcome {
            status: ReadingStatus::Completed,
            failure: known.failure,
            response: known.response,
            citations: known.citations,
            last: chunks.last().map_or(Sequence::ASKED, |chunk| chunk.sequence),
            route: known.route,
            bill: Bill::default(),
        };
        let reading = asked.clone().ended(outcome, asked.created_at);
        let (organization_id, reading_id, revision) = (reading.organization_id, reading.id, reading.revision);
        let mut transaction = self.store.begin(context).await?;
        if !transaction.readings().insert(&reading).await? {
            return Ok(None);
        }
        transaction.log().append(&[Entry { organization_id, reading_id, revision, chunks }]).await?;
        let budget = Budget::default();
        transaction.ledger().reserve(&Reservation::of(&reading, NanoUsd::ZERO), &budget).await?;
        transaction.ledger().settle(&Settlement::of(&reading, Bill::default(), None)).await?;
        transaction.commit().await?;
        Ok(Some(reading))
    }

    fn job(&self, reading: &Reading) -> NewJob {
        NewJob {
            id: JobId::generate(&*self.ids),
            organization_id: Some(reading.organization_id),
            user_id: Some(reading.user_id),
            kind: READING_JOB,
            payload: serde_json::json!({"version": 1, "reading_id": reading.id}),
            priority: JobPriority::default(),
            run_at: None,
            key: Some(JobKey::Once(reading.id.to_string())),
            created_at: reading.created_at,
        }
    }
}

/// A whole answer as pieces: its text, then where it has it from.
fn chunks_of(reading: &Reading) -> Vec<Chunk> {
    let text = reading.response.clone().filter(|text| !text.is_empty()).map(Piece::Text);
    let pieces = text.into_iter().chain(reading.citations.iter().cloned().map(Piece::Citation));
    let places = std::iter::successors(Some(Sequence::ASKED.next()), |place| Some(place.next()));
    places.zip(pieces).map(|(sequence, piece)| Chunk { sequence, piece }).collect()
}

/// The reading, if it is the actor's own.
async fn permitted(
    transaction: &mut dyn ReadingTransaction,
    context: &TenantContext,
    id: ReadingId,
) -> Result<Reading, ReadingError> {
    let reading = transaction.readings().find(id).await?.ok_or(ReadingError::NotFound)?;
    if context.user_id()? == reading.user_id { Ok(reading) } else { Err(ReadingError::Forbidden) }
}
