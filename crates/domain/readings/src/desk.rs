use std::sync::Arc;

use chrono::NaiveDate;
use tenantry_identity::PlatformContext;
use tenantry_kernel::{Clock, JobLease, StorageError, Store};
use tenantry_tenancy::{Entrance, TenancyError, TenantContext};

use crate::ports::{Entry, ReadingTransaction};
use crate::{
    Advisor, Bill, Catalogue, Chunk, Commission, Draft, Failure, Manner, Outcome, PriceTable, Prompt, Reading,
    ReadingId, ReadingStatus, Settlement,
};

/// Pieces of a log that are read at a time.
const BATCH: u16 = 500;

/// Readings that are looked after at a time.
const CARED_FOR: u16 = 50;

/// Where workers get the readings that they answer, and hand in what comes of them.
pub struct Desk {
    platform: Arc<dyn Store<PlatformContext, dyn ReadingTransaction>>,
    tenants: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
    entrance: Arc<Entrance>,
    catalogue: Arc<Catalogue>,
    prices: Arc<PriceTable>,
    clock: Arc<dyn Clock>,
}

impl Desk {
    /// A desk over these ports.
    #[must_use]
    pub fn new(
        platform: Arc<dyn Store<PlatformContext, dyn ReadingTransaction>>,
        tenants: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
        entrance: Arc<Entrance>,
        catalogue: Arc<Catalogue>,
        prices: Arc<PriceTable>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { platform, tenants, entrance, catalogue, prices, clock }
    }

    /// Takes a reading up, if there is something to do: none if it is over, if the job was lost, or if nobody may answer
    /// it. Then it has ended, and so has the job. One that another worker had begun ends as interrupted: nobody knows
    /// what was asked of the provider, and it is asked for one answer only.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn take(&self, lease: JobLease, id: ReadingId) -> Result<Option<Commission>, StorageError> {
        let Some(reading) = self.read(id).await? else {
            self.close(lease).await?;
            return Ok(None);
        };
        match reading.status {
            ReadingStatus::Completed | ReadingStatus::Failed | ReadingStatus::Cancelled => {
                self.close(lease).await?;
                Ok(None)
            }
            ReadingStatus::Streaming => {
                let draft = self.recover(&reading).await?;
                self.give_up(Some(lease), reading, &draft, Failure::Interrupted).await?;
                Ok(None)
            }
            ReadingStatus::Pending => {
                if let Some(advisor) = self.advisor(&reading).await? {
                    return self.begin(lease, reading, advisor.manner).await;
                }
                self.give_up(Some(lease), reading, &Draft::new(), Failure::Refused).await?;
                Ok(None)
            }
        }
    }

    /// Writes pieces down; answers the readings that are no longer those of the worker.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn append(&self, entries: &[Entry]) -> Result<Vec<ReadingId>, StorageError> {
        let mut transaction = self.begin_platform().await?;
        let lost = transaction.log().append(entries).await?;
        transaction.commit().await?;
        Ok(lost)
    }

    /// Which of these readings are to stop.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn to_stop(&self, ids: &[ReadingId]) -> Result<Vec<ReadingId>, StorageError> {
        let mut transaction = self.platform.read(&PlatformContext::system()).await?;
        transaction.readings().to_stop(ids, self.clock.now()).await
    }

    /// Ends a reading: the pieces that are not written down yet, the reading, its settlement and the end of the job are
    /// stored together. Tells whether that was so: if not, the reading is no longer the worker's.
    ///
    /// # Errors
    /// [`StorageError`]; to do it again is safe.
    pub async fn end(
        &self,
        lease: JobLease,
        commission: &Commission,
        draft: &Draft,
        (status, failure): (ReadingStatus, Option<Failure>),
        unwritten: Vec<Chunk>,
    ) -> Result<bool, StorageError> {
        let entry = (!unwritten.is_empty()).then(|| commission.entry(unwritten));
        let prompt = Prompt::new(&commission.manner, &commission.reading.question, 0);
        let (outcome, since) = self.outcome(&commission.reading, draft, &prompt, (status, failure));
        self.store_end(Some(lease), commission.reading.clone(), outcome, since, entry).await
    }

    /// Ends readings that should have been over long ago, whatever became of their workers and jobs; tells how many.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn end_overdue(&self, grace: std::time::Duration) -> Result<usize, StorageError> {
        let before = self.clock.now() - grace;
        let mut transaction = self.platform.read(&PlatformContext::system()).await?;
        let overdue = transaction.readings().overdue(before, CARED_FOR).await?;
        drop(transaction);
        let count = overdue.len();
        let mut corrupt = None;
        for id in overdue {
            match self.end_left(id).await {
                // The others can be ended all the same.
                Err(error @ StorageError::Corrupt(_)) => corrupt = Some(error),
                ended => ended?,
            }
        }
        corrupt.map_or(Ok(count), Err)
    }

    async fn end_left(&self, id: ReadingId) -> Result<(), StorageError> {
        if let Some(reading) = self.read(id).await?
            && !reading.status.is_over()
        {
            let draft = self.recover(&reading).await?;
            self.give_up(None, reading, &draft, Failure::Interrupted).await?;
        }
        Ok(())
    }

    async fn begin_platform(&self) -> Result<Box<dyn ReadingTransaction>, StorageError> {
        self.platform.begin(&PlatformContext::system()).await
    }

    async fn read(&self, id: ReadingId) -> Result<Option<Reading>, StorageError> {
        let mut transaction = self.platform.read(&PlatformContext::system()).await?;
        transaction.readings().find(id).await
    }

    /// Who is to answer, if whoever asked is still a member and the advisor is still there.
    async fn advisor(&self, reading: &Reading) -> Result<Option<Advisor>, StorageError> {
        let actor = PlatformContext::system().act_for(reading.user_id);
        let context = match self.entrance.enter(actor, reading.organization_id).await {
            Ok(context) => context,
            Err(TenancyError::Storage(error)) => return Err(error),
            Err(_) => return Ok(None),
        };
        if let Some(advisor) = self.catalogue.find(&reading.advisor) {
            return Ok(Some(advisor.clone()));
        }
        let mut transaction = self.tenants.read(&context).await?;
        let own = transaction.advisors().find(&reading.advisor).await?;
        Ok(own.map(|own| self.catalogue.lend(own)))
    }

    async fn begin(
        &self,
        lease: JobLease,
        reading: Reading,
        manner: Manner,
    ) -> Result<Option<Commission>, StorageError> {
        let mut transaction = self.begin_platform().await?;
        let seen = reading.revision;
        let reading = reading.begun();
        if !transaction.jobs().hold(lease).await? || !transaction.readings().update(&reading, seen).await? {
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(Commission { reading, manner }))
    }

    /// Ends a job that has nothing to do any more.
    async fn close(&self, lease: JobLease) -> Result<(), StorageError> {
        let mut transaction = self.begin_platform().await?;
        transaction.jobs().finish(lease, self.clock.now()).await?;
        transaction.commit().await
    }

    /// What was written down of a reading.
    async fn recover(&self, reading: &Reading) -> Result<Draft, StorageError> {
        let mut draft = Draft::new();
        let mut transaction = self.platform.read(&PlatformContext::system()).await?;
        loop {
            let chunks = transaction.log().read(reading.id, draft.last, BATCH).await?;
            let is_all = chunks.len() < usize::from(BATCH);
            for chunk in chunks {
                draft.add(chunk.piece);
            }
            if is_all {
                return Ok(draft);
            }
        }
    }

    /// Ends a reading that nobody answers any more. If somebody may have been asked, what that cost is estimated.
    async fn give_up(
        &self,
        lease: Option<JobLease>,
        reading: Reading,
        draft: &Draft,
        failure: Failure,
    ) -> Result<bool, StorageError> {
        let mut draft = draft.clone();
        let advisor = if reading.status == ReadingStatus::Streaming { self.advisor(&reading).await? } else { None };
        let Some(advisor) = advisor else {
            let outcome = Outcome { last: draft.last, ..Outcome::unanswered(ReadingStatus::Failed, Some(failure)) };
            let response = (!draft.response.is_empty()).then_some(draft.response);
            let outcome = Outcome { response, citations: draft.citations, ..outcome };
            return self.store_end(lease, reading, outcome, None, None).await;
        };
        if let Some(route) = advisor.manner.routes.into_iter().next() {
            draft.ask(route);
        }
        let manner = Manner { routes: Vec::new(), ..advisor.manner };
        let prompt = Prompt::new(&manner, &reading.question, 0);
        let (outcome, since) = self.outcome(&reading, &draft, &prompt, (ReadingStatus::Failed, Some(failure)));
        self.store_end(lease, reading, outcome, since, None).await
    }

    /// What comes of a draft, and since when the price that was used holds.
    fn outcome(
        &self,
        reading: &Reading,
        draft: &Draft,
        prompt: &Prompt,
        (status, failure): (ReadingStatus, Option<Failure>),
    ) -> (Outcome, Option<NaiveDate>) {
        let day = reading.created_at.date_naive();
        let known = draft.route.as_ref().and_then(|route| self.prices.on(day, route));
        // Whoever refused to answer, or was not reached, is not paid unless they say so.
        let is_billed = status != ReadingStatus::Failed
            || !draft.is_empty()
            || draft.usage.is_some()
            || failure == Some(Failure::Interrupted);
        let price = known.map(|known| known.price).unwrap_or_default();
        let bill = if is_billed && draft.route.is_some() { draft.bill_by(&price, prompt) } else { Bill::default() };
        let is_answered = status == ReadingStatus::Completed || !draft.response.is_empty();
        let outcome = Outcome {
            status,
            failure,
            response: is_answered.then(|| draft.response.clone()),
            citations: draft.citations.clone(),
            last: draft.last,
            route: draft.route.clone(),
            bill,
        };
        (outcome, known.map(|known| known.from))
    }

    async fn store_end(
        &self,
        lease: Option<JobLease>,
        reading: Reading,
        outcome: Outcome,
        price_from: Option<NaiveDate>,
        unwritten: Option<Entry>,
    ) -> Result<bool, StorageError> {
        let now = self.clock.now();
        let (seen, bill) = (reading.revision, outcome.bill);
        let reading = reading.ended(outcome, now);
        let mut transaction = self.begin_platform().await?;
        if let Some(lease) = lease
            && !transaction.jobs().hold(lease).await?
        {
            return Ok(false);
        }
        if let Some(entry) = unwritten
            && !transaction.log().append(&[entry]).await?.is_empty()
        {
            return Ok(false);
        }
        if !transaction.readings().update(&reading, seen).await? {
            return Ok(false);
        }
        transaction.ledger().settle(&Settlement::of(&reading, bill, price_from)).await?;
        if let Some(lease) = lease {
            transaction.jobs().finish(lease, now).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}
