//! Advisors and readings.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tenantry_advisors::{ChatCompletions, ChatOptions, Directory, Offline, Responses, ResponsesOptions, ServerOptions};
use tenantry_application::{RateKey, RateLimits, RateRule};
use tenantry_generation::{GenerationOptions, Generator, LiveHub};
use tenantry_jobs::Queue;
use tenantry_kernel::OrganizationId;
use tenantry_readings::ports::AskingLimits;
use tenantry_readings::{Advisors, AskingRules, Budgets, Desk, Provider, ProviderName, Readings};
use tenantry_tenancy::Entrance;

use super::ground::Ground;
use super::limits;
use crate::failure::Failure;
use crate::settings::{ProviderKind, ProviderSettings, ReadingsSettings};

/// The use cases, and who answers.
pub(super) struct ReadingParts {
    pub readings: Arc<Readings>,
    pub advisors: Arc<Advisors>,
    pub budgets: Arc<Budgets>,
    pub generator: Arc<Generator>,
}

impl ReadingParts {
    pub fn new(ground: &Ground<'_>) -> Result<Self, Failure> {
        let Ground { store, clock, ids, .. } = ground;
        let settings = &ground.settings.readings;
        let catalogue = Arc::new(settings.catalogue().map_err(Failure::from)?);
        let prices = Arc::new(settings.prices().map_err(Failure::from)?);
        let hub = Arc::new(LiveHub::new());
        let rules = AskingRules {
            catalogue: catalogue.clone(),
            prices: prices.clone(),
            budget: settings.budget(),
            max_completion_tokens: settings.max_completion_tokens,
            time_limit: settings.total_timeout,
            reuse_for: settings.reuse_answers(),
        };
        let quotas = Arc::new(Quotas(limits::rate_limits(ground.settings)?));
        let readings = Readings::new(store.clone(), hub.clone(), quotas, rules, clock.clone(), ids.clone());
        let of_own = settings.advisors_per_organization;
        let advisors = Advisors::new(store.clone(), catalogue.clone(), of_own, clock.clone(), ids.clone());
        let budgets = Budgets::new(store.clone(), settings.budget(), clock.clone(), ids.clone());
        let entrance = Arc::new(Entrance::new(store.clone()));
        let desk = Arc::new(Desk::new(store.clone(), store.clone(), entrance, catalogue, prices, clock.clone()));
        let providers = Arc::new(providers(settings)?);
        let generator = Generator::new(desk, providers, hub, clock.clone(), ids.clone(), options(settings));
        Ok(Self {
            readings: Arc::new(readings),
            advisors: Arc::new(advisors),
            budgets: Arc::new(budgets),
            generator: Arc::new(generator),
        })
    }

    /// The queue of readings, for workers that answer them.
    pub fn queue(&self, settings: &ReadingsSettings) -> Queue {
        let of_one = Some(settings.concurrent_answers_per_organization);
        tenantry_generation::queue(self.generator.clone(), settings.concurrent_answers, of_one)
    }
}

fn options(settings: &ReadingsSettings) -> GenerationOptions {
    GenerationOptions {
        first_piece: settings.first_piece_timeout,
        idle: settings.idle_timeout,
        total: settings.total_timeout,
        attempts: settings.attempts,
        max_completion_tokens: settings.max_completion_tokens,
        max_answer_bytes: usize::try_from(settings.max_answer_kib).unwrap_or(usize::MAX).saturating_mul(1_024),
        ..GenerationOptions::default()
    }
}

fn providers(settings: &ReadingsSettings) -> Result<Directory, Failure> {
    let mut providers: HashMap<ProviderName, Arc<dyn Provider>> = HashMap::new();
    for configured in settings.providers() {
        let name = ProviderName::parse(&configured.name).map_err(Failure::configuration)?;
        providers.insert(name, provider(configured, settings.connect_timeout)?);
    }
    Ok(Directory::new(providers))
}

fn provider(configured: ProviderSettings, connect_timeout: Duration) -> Result<Arc<dyn Provider>, Failure> {
    let extra = configured.extra_json.as_deref().map(serde_json::from_str).transpose();
    let server = ServerOptions {
        base_url: configured.base_url.map(String::from).unwrap_or_default().trim_end_matches('/').to_owned(),
        api_key: configured.api_key,
        connect_timeout,
        streams: configured.streams,
        extra: extra.map_err(Failure::configuration)?.unwrap_or_default(),
    };
    Ok(match configured.kind {
        ProviderKind::Offline => Arc::new(Offline),
        ProviderKind::Chat => {
            let options = ChatOptions { server, limit_field: configured.limit_field.into() };
            Arc::new(ChatCompletions::new(options).map_err(Failure::configuration)?)
        }
        ProviderKind::Responses => {
            let path = "responses".to_owned();
            let options = ResponsesOptions { server, path, tools: None, tool_choice: None };
            Arc::new(Responses::new(options).map_err(Failure::configuration)?)
        }
    })
}

/// How much organisations may ask, by the limits that requests have too.
struct Quotas(Arc<dyn RateLimits>);

#[async_trait]
impl AskingLimits for Quotas {
    async fn take(&self, organization_id: OrganizationId, tokens: u64) -> Result<(), Duration> {
        let subject = organization_id.as_uuid().as_u128();
        let tokens = NonZeroU32::new(u32::try_from(tokens).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        for (rule, cost) in [(RateRule::Questions, NonZeroU32::MIN), (RateRule::Tokens, tokens)] {
            let state = self.0.take(&[RateKey { rule, subject }], cost).await;
            if let Some(retry_after) = state.and_then(|state| state.retry_after) {
                return Err(retry_after);
            }
        }
        Ok(())
    }
}
