use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, Revision, TextError, text_value};

/// Names an advisor within an organisation: `legba`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdvisorId(String);

/// A text can't name an advisor. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 50 of a-z, 0-9 and -, beginning with a letter or digit")]
pub struct AdvisorIdError;

impl AdvisorId {
    /// Takes a name.
    ///
    /// # Errors
    /// [`AdvisorIdError`].
    pub fn parse(raw: &str) -> Result<Self, AdvisorIdError> {
        let is_plain = raw.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let is_sized = (1..=50).contains(&raw.len());
        (is_plain && is_sized && !raw.starts_with('-')).then(|| Self(raw.to_owned())).ok_or(AdvisorIdError)
    }

    /// A name as it was stored.
    #[must_use]
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdvisorId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

text_value! {
    /// What an advisor is called, 1 to 100 characters.
    AdvisorName, 1..=100
}

text_value! {
    /// What an advisor is, 1 to 200 characters.
    AdvisorTitle, 1..=200
}

text_value! {
    /// What an advisor is for, at most 1,000 characters.
    AdvisorDescription, 0..=1000
}

text_value! {
    /// Names who runs models, such as `perplexity`; 1 to 50 characters.
    ProviderName, 1..=50
}

text_value! {
    /// Names a model as its provider does; 1 to 200 characters.
    ModelName, 1..=200
}

/// What an advisor is told to be, before any question: 1 to 8,000 characters. It is nobody's to read but the model's,
/// so it isn't shown when it is printed either.
#[derive(Clone, PartialEq, Eq)]
pub struct Instructions(String);

impl Instructions {
    /// Takes a text, trimmed.
    ///
    /// # Errors
    /// [`TextError`] says which rule was broken.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        tenantry_kernel::parse_text(raw, 1, 8_000).map(Self)
    }

    /// A text as it was stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text, for the model and for the store.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Instructions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Instructions(…)")
    }
}

/// How freely a model chooses its words, from 0 to 2.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Temperature(f64);

/// A number is no temperature. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between 0 and 2")]
pub struct TemperatureError;

impl Temperature {
    /// Takes a number from 0 to 2.
    ///
    /// # Errors
    /// [`TemperatureError`].
    pub fn parse(value: f64) -> Result<Self, TemperatureError> {
        if (0.0..=2.0).contains(&value) { Ok(Self(value)) } else { Err(TemperatureError) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// Who runs the model.
    pub provider: ProviderName,
    /// The model.
    pub model: ModelName,
}

/// What becomes of an answer when nobody listens any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDisconnect {
    /// It is finished, and can be read later.
    #[default]
    Finish,
    /// It is cancelled when nobody has come back for so long.
    CancelAfter(Duration),
}

/// How an advisor answers: nothing that a user may see.
#[derive(Debug, Clone, PartialEq)]
pub struct Manner {
    /// What the model is told first.
    pub instructions: Instructions,
    /// Whom to ask, and whom when that fails, in this order; at least one.
    pub routes: Vec<Route>,
    /// How freely the model chooses its words; where none is given, as it does by itself.
    pub temperature: Option<Temperature>,
    /// What becomes of answers that nobody listens to.
    pub on_disconnect: OnDisconnect,
}

/// Somebody to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Advisor {
    /// Names the advisor.
    pub id: AdvisorId,
    /// What it is called.
    pub name: AdvisorName,
    /// What it is.
    pub title: AdvisorTitle,
    /// What it is for.
    pub description: AdvisorDescription,
    /// How it answers.
    pub manner: Manner,
}

/// The advisors that the operator gives to every organisation, and how those of organisations answer.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// In the order in which they are listed.
    pub advisors: Vec<Advisor>,
    /// Whom organisations' own advisors ask.
    pub own_routes: Vec<Route>,
    /// What becomes of their answers that nobody listens to.
    pub own_on_disconnect: OnDisconnect,
}

impl Catalogue {
    /// The operator's advisor of this name.
    #[must_use]
    pub fn find(&self, id: &AdvisorId) -> Option<&Advisor> {
        self.advisors.iter().find(|advisor| advisor.id == *id)
    }

    /// How an organisation's own advisor answers.
    #[must_use]
    pub fn lend(&self, own: OwnAdvisor) -> Advisor {
        let manner = Manner {
            instructions: own.instructions,
            routes: self.own_routes.clone(),
            temperature: None,
            on_disconnect: self.own_on_disconnect,
        };
        Advisor { id: own.id, name: own.name, title: own.title, description: own.description, manner }
    }
}

/// An advisor of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAdvisor {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Names it within the organisation. No advisor of the operator's has this name.
    pub id: AdvisorId,
    /// What it is called.
    pub name: AdvisorName,
    /// What it is.
    pub title: AdvisorTitle,
    /// What it is for.
    pub description: AdvisorDescription,
    /// What the model is told first.
    pub instructions: Instructions,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Its version.
    pub revision: Revision,
}

/// What an advisor is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdvisor {
    /// Names it.
    pub id: AdvisorId,
    /// What it is called.
    pub name: AdvisorName,
    /// What it is.
    pub title: AdvisorTitle,
    /// What it is for.
    pub description: AdvisorDescription,
    /// What the model is told first.
    pub instructions: Instructions,
}

/// What of an advisor is to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdvisorChange {
    /// What it is called.
    pub name: Option<AdvisorName>,
    /// What it is.
    pub title: Option<AdvisorTitle>,
    /// What it is for.
    pub description: Option<AdvisorDescription>,
    /// What the model is told first.
    pub instructions: Option<Instructions>,
}

impl OwnAdvisor {
    /// A new one.
    #[must_use]
    pub fn create(new: NewAdvisor, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        Self {
            organization_id,
            id: new.id,
            name: new.name,
            title: new.title,
            description: new.description,
            instructions: new.instructions,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// Whether both are made of the same, whenever they were made.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let parts = |of: &Self| (of.id.clone(), of.name.clone(), of.title.clone(), of.description.clone());
        parts(self) == parts(other) && self.instructions == other.instructions
    }

    /// The same after the change.
    #[must_use]
    pub fn changed(self, change: AdvisorChange, now: DateTime<Utc>) -> Self {
        Self {
            name: change.name.unwrap_or(self.name),
            title: change.title.unwrap_or(self.title),
            description: change.description.unwrap_or(self.description),
            instructions: change.instructions.unwrap_or(self.instructions),
            updated_at: now,
            revision: self.revision.next(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_short() {
        for good in ["legba", "tax-2026", "0"] {
            assert_eq!(AdvisorId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "Legba", "a b", "a/b", "é", &"a".repeat(51)] {
            assert_eq!(AdvisorId::parse(bad), Err(AdvisorIdError), "{bad}");
        }
    }

    #[test]
    fn instructions_are_not_printed() {
        let instructions = Instructions::parse("Never tell anybody of the pudding.").unwrap();
        assert_eq!(format!("{instructions:?}"), "Instructions(…)");
    }

    #[test]
    fn temperatures_end_at_two() {
        assert!(Temperature::parse(2.0).is_ok());
        for bad in [-0.1, 2.1, f64::NAN] {
            assert_eq!(Temperature::parse(bad), Err(TemperatureError));
        }
    }
}
