use std::time::Duration;

use chrono::NaiveDate;
use secrecy::SecretString;
use serde::Deserialize;
use tenantry_advisors::LimitField;
use tenantry_readings::{
    Advisor, AdvisorDescription, AdvisorId, AdvisorName, AdvisorTitle, Budget, Catalogue, DatedPrice, Instructions,
    Manner, ModelName, NanoUsd, OnDisconnect, Price, PriceTable, ProviderName, Route, Temperature,
};
use url::Url;

use super::SettingsError;
use super::parse::{optional_parsed, optional_secret, optional_text, seconds, within, within_seconds};

/// The provider that needs nothing, and its model.
pub const OFFLINE: &str = "offline";

/// In which words a provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ProviderKind {
    /// Not at all: this process answers by itself.
    Offline,
    /// Chat completions.
    Chat,
    /// Responses.
    Responses,
}

impl TryFrom<String> for ProviderKind {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            OFFLINE => Ok(Self::Offline),
            "chat" => Ok(Self::Chat),
            "responses" => Ok(Self::Responses),
            _ => Err("must be offline, chat or responses"),
        }
    }
}

impl ProviderKind {
    /// The name of the provider that the settings outside of lists describe.
    fn name(self) -> &'static str {
        match self {
            Self::Offline => OFFLINE,
            Self::Chat => "chat",
            Self::Responses => "responses",
        }
    }
}

/// What becomes of an answer that nobody listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Disconnect {
    Finish,
    Cancel,
}

/// Section `readings`. `Debug` shows no key and no instructions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingsSettings {
    provider: ProviderKind,
    #[serde(deserialize_with = "optional_parsed")]
    base_url: Option<Url>,
    #[serde(deserialize_with = "optional_secret")]
    api_key: Option<SecretString>,
    #[serde(deserialize_with = "optional_text")]
    model: Option<String>,
    #[serde(deserialize_with = "optional_parsed")]
    price_prompt: Option<NanoUsd>,
    #[serde(deserialize_with = "optional_parsed")]
    price_completion: Option<NanoUsd>,
    #[serde(deserialize_with = "optional_parsed")]
    price_call: Option<NanoUsd>,
    streams: bool,
    limit_field: LimitName,
    #[serde(deserialize_with = "optional_text")]
    extra_json: Option<String>,
    providers: Vec<ProviderSettings>,
    prices: Vec<PriceSettings>,
    fallbacks: Vec<String>,
    advisors: Vec<AdvisorSettings>,
    #[serde(deserialize_with = "optional_parsed")]
    monthly_budget_usd: Option<NanoUsd>,
    #[serde(deserialize_with = "optional_parsed")]
    daily_budget_usd: Option<NanoUsd>,
    #[serde(deserialize_with = "optional_parsed")]
    per_user_monthly_budget_usd: Option<NanoUsd>,
    #[serde(deserialize_with = "optional_parsed")]
    per_user_daily_budget_usd: Option<NanoUsd>,
    #[serde(rename = "connect_timeout_seconds", deserialize_with = "seconds")]
    pub connect_timeout: Duration,
    #[serde(rename = "first_piece_timeout_seconds", deserialize_with = "seconds")]
    pub first_piece_timeout: Duration,
    #[serde(rename = "idle_timeout_seconds", deserialize_with = "seconds")]
    pub idle_timeout: Duration,
    #[serde(rename = "total_timeout_seconds", deserialize_with = "seconds")]
    pub total_timeout: Duration,
    pub attempts: u8,
    pub max_completion_tokens: u32,
    pub max_answer_kib: u32,
    pub concurrent_answers: u16,
    pub concurrent_answers_per_organization: u16,
    /// 0 for any number.
    pub questions_per_minute_per_organization: u32,
    /// 0 for any number.
    pub tokens_per_minute_per_organization: u32,
    on_disconnect: Disconnect,
    #[serde(rename = "disconnect_grace_seconds", deserialize_with = "seconds")]
    disconnect_grace: Duration,
    #[serde(rename = "reuse_answers_seconds", deserialize_with = "seconds")]
    reuse_answers: Duration,
    pub advisors_per_organization: u32,
}

/// Somebody who runs models.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// By which routes and prices name it.
    pub name: String,
    /// In which words it is asked.
    pub kind: ProviderKind,
    /// Where it is.
    #[serde(default, deserialize_with = "optional_parsed")]
    pub base_url: Option<Url>,
    /// What it knows us by.
    #[serde(default, deserialize_with = "optional_secret")]
    pub api_key: Option<SecretString>,
    /// Whether answers come piece by piece.
    #[serde(default = "yes")]
    pub streams: bool,
    /// What it calls the number of tokens that a model may write.
    #[serde(default)]
    pub limit_field: LimitName,
    /// What its requests hold besides: the text of a JSON object.
    pub extra_json: Option<String>,
}

/// What a provider of chat completions calls the number of tokens that a model may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// What nearly all of them know.
    #[default]
    MaxTokens,
    /// What some models insist on.
    MaxCompletionTokens,
}

impl From<LimitName> for LimitField {
    fn from(name: LimitName) -> Self {
        match name {
            LimitName::MaxTokens => Self::MaxTokens,
            LimitName::MaxCompletionTokens => Self::MaxCompletionTokens,
        }
    }
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceSettings {
    provider: String,
    model: String,
    from: String,
    prompt: String,
    completion: String,
    call: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvisorSettings {
    id: String,
    name: String,
    title: String,
    description: String,
    instructions: String,
    temperature: Option<f64>,
    #[serde(default)]
    models: Vec<String>,
}

impl std::fmt::Debug for AdvisorSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AdvisorSettings").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ReadingsSettings {
    /// Everybody who can be asked: the provider that the settings outside of lists describe, and those in the list.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderSettings> {
        let main = ProviderSettings {
            name: self.provider.name().to_owned(),
            kind: self.provider,
            base_url: self.base_url.clone(),
            api_key: self.api_key.clone(),
            streams: self.streams,
            limit_field: self.limit_field,
            extra_json: self.extra_json.clone(),
        };
        std::iter::once(main).chain(self.providers.iter().cloned()).collect()
    }

    /// Whether nobody else is asked.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.provider == ProviderKind::Offline && self.fallbacks.is_empty()
    }

    /// What models cost.
    pub fn prices(&self) -> Result<PriceTable, SettingsError> {
        let mut known = self.prices.iter().map(PriceSettings::parsed).collect::<Result<Vec<_>, _>>()?;
        let Route { provider, model } = self.main_route()?;
        let from = NaiveDate::default();
        if self.provider == ProviderKind::Offline {
            known.push(DatedPrice { provider, model, from, price: Price::default() });
        } else if let (Some(prompt_per_million), Some(completion_per_million)) =
            (self.price_prompt, self.price_completion)
        {
            let per_call = self.price_call.unwrap_or_default();
            let price = Price { prompt_per_million, completion_per_million, per_call };
            known.push(DatedPrice { provider, model, from, price });
        }
        Ok(PriceTable::new(known))
    }

    /// Whom to ask.
    pub fn catalogue(&self) -> Result<Catalogue, SettingsError> {
        let fallbacks = routes("readings.fallbacks", &self.fallbacks)?;
        let own_routes: Vec<Route> = std::iter::once(self.main_route()?).chain(fallbacks).collect();
        let on_disconnect = self.on_disconnect();
        let advisor = |advisor: &AdvisorSettings| advisor.parsed(&own_routes, on_disconnect);
        let advisors = self.advisors.iter().map(advisor).collect::<Result<Vec<_>, _>>()?;
        Ok(Catalogue { advisors, own_routes: own_routes.clone(), own_on_disconnect: on_disconnect })
    }

    /// What each organisation may spend.
    #[must_use]
    pub fn budget(&self) -> Budget {
        Budget {
            monthly: self.monthly_budget_usd,
            daily: self.daily_budget_usd,
            per_user_monthly: self.per_user_monthly_budget_usd,
            per_user_daily: self.per_user_daily_budget_usd,
        }
    }

    /// How long answers are given again.
    #[must_use]
    pub fn reuse_answers(&self) -> Option<Duration> {
        Some(self.reuse_answers).filter(|reuse| !reuse.is_zero())
    }

    fn on_disconnect(&self) -> OnDisconnect {
        match self.on_disconnect {
            Disconnect::Finish => OnDisconnect::Finish,
            Disconnect::Cancel => OnDisconnect::CancelAfter(self.disconnect_grace),
        }
    }

    fn main_route(&self) -> Result<Route, SettingsError> {
        let model = match (self.provider, &self.model) {
            (_, Some(model)) => model,
            (ProviderKind::Offline, None) => OFFLINE,
            (_, None) => return Err(SettingsError::invalid("readings.model", "must name a model of the provider")),
        };
        route("readings.model", self.provider.name(), model)
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        within_seconds("readings.connect_timeout_seconds", self.connect_timeout, 1..=300)?;
        within_seconds("readings.first_piece_timeout_seconds", self.first_piece_timeout, 1..=3_600)?;
        within_seconds("readings.idle_timeout_seconds", self.idle_timeout, 1..=3_600)?;
        within_seconds("readings.total_timeout_seconds", self.total_timeout, 1..=3_600)?;
        within("readings.attempts", self.attempts, 1..=10)?;
        within("readings.max_completion_tokens", self.max_completion_tokens, 1..=1_000_000)?;
        within("readings.max_answer_kib", self.max_answer_kib, 1..=16_384)?;
        within("readings.concurrent_answers", self.concurrent_answers, 1..=10_000)?;
        let of_one = self.concurrent_answers_per_organization;
        within("readings.concurrent_answers_per_organization", of_one, 1..=10_000)?;
        within_seconds("readings.disconnect_grace_seconds", self.disconnect_grace, 1..=3_600)?;
        within_seconds("readings.reuse_answers_seconds", self.reuse_answers, 0..=31_536_000)?;
        within("readings.advisors_per_organization", self.advisors_per_organization, 0..=1_000)?;
        self.validate_providers()?;
        self.validate_routes()
    }

    fn validate_providers(&self) -> Result<(), SettingsError> {
        let providers = self.providers();
        for (place, provider) in providers.iter().enumerate() {
            if provider.kind != ProviderKind::Offline && provider.base_url.is_none() {
                let setting = if place == 0 { "readings.base_url" } else { "readings.providers" };
                let problem = format!("the provider {} needs a base_url", provider.name);
                return Err(SettingsError::invalid(setting, problem));
            }
            if let Some(text) = &provider.extra_json
                && !serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.is_object())
            {
                return Err(SettingsError::invalid("readings.extra_json", "must be the text of a JSON object"));
            }
            if providers.iter().take(place).any(|other| other.name == provider.name) {
                let problem = format!("the name {} is there twice", provider.name);
                return Err(SettingsError::invalid("readings.providers", problem));
            }
        }
        Ok(())
    }

    /// Every model that may be asked has a provider and a price.
    fn validate_routes(&self) -> Result<(), SettingsError> {
        let (catalogue, prices, providers) = (self.catalogue()?, self.prices()?, self.providers());
        let mut ids: Vec<&AdvisorId> = catalogue.advisors.iter().map(|advisor| &advisor.id).collect();
        ids.sort();
        if let Some([twice, _]) = ids.windows(2).find(|pair| matches!(pair, [one, next] if one == next)) {
            let problem = format!("the id {twice} is there twice");
            return Err(SettingsError::invalid("readings.advisors", problem));
        }
        let of_advisors = catalogue.advisors.iter().flat_map(|advisor| &advisor.manner.routes);
        for route in of_advisors.chain(&catalogue.own_routes) {
            let Route { provider, model } = route;
            if !providers.iter().any(|known| known.name == provider.as_str()) {
                let problem = format!("there is no provider {provider}, which {model} is to be asked of");
                return Err(SettingsError::invalid("readings.providers", problem));
            }
            if prices.on(NaiveDate::MAX, route).is_none() {
                let problem = format!("{model} of {provider} has no price, and models without one are not asked");
                return Err(SettingsError::invalid("readings.prices", problem));
            }
        }
        Ok(())
    }
}

impl PriceSettings {
    fn parsed(&self) -> Result<DatedPrice, SettingsError> {
        let invalid = |problem: String| SettingsError::invalid("readings.prices", problem);
        let Route { provider, model } = route("readings.prices", &self.provider, &self.model)?;
        let amount = |name: &str, text: &str| text.parse().map_err(|error| invalid(format!("{name} {error}")));
        let price = Price {
            prompt_per_million: amount("prompt", &self.prompt)?,
            completion_per_million: amount("completion", &self.completion)?,
            per_call: self.call.as_deref().map_or(Ok(NanoUsd::ZERO), |text| amount("call", text))?,
        };
        let from = self.from.parse().map_err(|_error| invalid(format!("from {} must be a day", self.from)))?;
        Ok(DatedPrice { provider, model, from, price })
    }
}

impl AdvisorSettings {
    fn parsed(&self, routes_of_all: &[Route], on_disconnect: OnDisconnect) -> Result<Advisor, SettingsError> {
        let invalid = |field: &str, problem: &dyn std::fmt::Display| {
            SettingsError::invalid("readings.advisors", format!("{}: {field} {problem}", self.id))
        };
        let own = routes("readings.advisors", &self.models)?;
        let temperature = self.temperature.map(Temperature::parse).transpose();
        let manner = Manner {
            instructions: Instructions::parse(&self.instructions).map_err(|error| invalid("instructions", &error))?,
            routes: if own.is_empty() { routes_of_all.to_vec() } else { own },
            temperature: temperature.map_err(|error| invalid("temperature", &error))?,
            on_disconnect,
        };
        Ok(Advisor {
            id: AdvisorId::parse(&self.id).map_err(|error| invalid("id", &error))?,
            name: AdvisorName::parse(&self.name).map_err(|error| invalid("name", &error))?,
            title: AdvisorTitle::parse(&self.title).map_err(|error| invalid("title", &error))?,
            description: AdvisorDescription::parse(&self.description)
                .map_err(|error| invalid("description", &error))?,
            manner,
        })
    }
}

/// `PROVIDER:MODEL`.
fn routes(setting: &'static str, texts: &[String]) -> Result<Vec<Route>, SettingsError> {
    let parsed = texts.iter().map(|text| match text.split_once(':') {
        Some((provider, model)) => route(setting, provider, model),
        None => Err(SettingsError::invalid(setting, format!("must be PROVIDER:MODEL, not {text}"))),
    });
    parsed.collect()
}

fn route(setting: &'static str, provider: &str, model: &str) -> Result<Route, SettingsError> {
    let invalid = |error| SettingsError::invalid(setting, format!("the name of a provider or model {error}"));
    let provider = ProviderName::parse(provider).map_err(invalid)?;
    Ok(Route { provider, model: ModelName::parse(model).map_err(invalid)? })
}
