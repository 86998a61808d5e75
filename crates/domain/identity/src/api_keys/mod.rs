//! Keys that programs act with in place of a person.

mod gate;
mod key;
mod scope;

pub use gate::ApiKeyGate;
pub use key::{
    ApiKey, ApiKeyBearer, ApiKeyDigest, ApiKeyId, ApiKeyName, ApiKeySecret, ApiKeyUse, KnownApiKey, NewApiKeySecret,
};
pub use scope::{Access, ApiKeyScopes, ApiScope, Resource, ScopesError, UnknownScope};
