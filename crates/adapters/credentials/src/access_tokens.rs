use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};
use tenantry_identity::{AccessClaims, AccessTokenError, SessionId, ports::AccessTokens};
use tenantry_kernel::{OrganizationId, UserId};
use uuid::Uuid;

use crate::{keys::DerivedKeys, shared_secret::SharedSecret, signing::KeyRing, token_keys::TokenKeys};

/// Access tokens are JWTs (RFC 7519) signed with one algorithm; no other is accepted (RFC 8725, 3.1). The header names
/// the key (`kid`), so that keys can be replaced while tokens of the old ones live.
pub struct JwtAccessTokens {
    issuer: String,
    audience: String,
    keys: Arc<dyn TokenKeys>,
    validation: Validation,
}

/// The claims as they are written. Unknown ones are ignored (RFC 7519, section 4).
#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    sub: Uuid,
    user_id: Uuid,
    organization_id: Uuid,
    email: String,
    role: String,
    sid: Uuid,
    jti: Uuid,
    iat: i64,
    exp: i64,
    #[serde(rename = "type")]
    kind: Kind,
    /// The account's epoch.
    uep: i64,
    /// The membership's epoch.
    mep: i64,
    /// Whether the password has to be replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pwd_due: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Access,
}

impl JwtAccessTokens {
    /// Tokens made by `issuer` for `audience`, signed with HMAC-SHA-256 (HS256); others are refused.
    #[must_use]
    pub fn by_secret(keys: &DerivedKeys, issuer: &str, audience: &str) -> Self {
        Self::new(Arc::new(SharedSecret::new(keys)), issuer, audience)
    }

    /// Tokens made by `issuer` for `audience`, signed with the active Ed25519 key of `ring` (`EdDSA`); others are refused.
    #[must_use]
    pub fn by_key_ring(ring: Arc<KeyRing>, issuer: &str, audience: &str) -> Self {
        Self::new(ring, issuer, audience)
    }

    fn new(keys: Arc<dyn TokenKeys>, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(keys.algorithm());
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // Compared with the injected clock instead, without leeway.
        validation.validate_exp = false;
        Self { issuer: issuer.to_owned(), audience: audience.to_owned(), keys, validation }
    }

    fn payload(&self, claims: &AccessClaims) -> Payload {
        Payload {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: claims.user_id.as_uuid(),
            user_id: claims.user_id.as_uuid(),
            organization_id: claims.organization_id.as_uuid(),
            email: claims.email.clone(),
            role: claims.role.clone(),
            sid: claims.session_id.as_uuid(),
            jti: claims.token_id,
            iat: claims.issued_at.timestamp(),
            exp: claims.expires_at.timestamp(),
            kind: Kind::Access,
            uep: claims.user_epoch,
            mep: claims.membership_epoch,
            pwd_due: claims.password_change_due,
        }
    }
}

#[async_trait]
impl AccessTokens for JwtAccessTokens {
    #[expect(clippy::expect_used, reason = "the payload is strings, numbers and UUIDs, and the key was read before")]
    fn issue(&self, claims: &AccessClaims) -> String {
        let signing = self.keys.signing(claims.issued_at);
        let header = Header { kid: Some(signing.id.clone()), ..Header::new(self.keys.algorithm()) };
        jsonwebtoken::encode(&header, &self.payload(claims), &signing.key)
            .expect("the payload can be written and signed")
    }

    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, AccessTokenError> {
        let header = jsonwebtoken::decode_header(token).or(Err(AccessTokenError::Invalid))?;
        if header.alg != self.keys.algorithm() {
            return Err(AccessTokenError::Invalid);
        }
        let key = self.keys.verifying(header.kid.as_deref().ok_or(AccessTokenError::Invalid)?).await?;
        let payload =
            jsonwebtoken::decode::<Payload>(token, &key, &self.validation).or(Err(AccessTokenError::Invalid))?.claims;
        let claims = read(payload).ok_or(AccessTokenError::Invalid)?;
        if now < claims.expires_at { Ok(claims) } else { Err(AccessTokenError::Expired) }
    }
}

fn read(payload: Payload) -> Option<AccessClaims> {
    if payload.sub != payload.user_id {
        return None;
    }
    Some(AccessClaims {
        token_id: payload.jti,
        user_id: UserId::from_uuid(payload.user_id),
        email: payload.email,
        organization_id: OrganizationId::from_uuid(payload.organization_id),
        role: payload.role,
        session_id: SessionId::from_uuid(payload.sid),
        user_epoch: payload.uep,
        membership_epoch: payload.mep,
        password_change_due: payload.pwd_due,
        issued_at: DateTime::from_timestamp(payload.iat, 0)?,
        expires_at: DateTime::from_timestamp(payload.exp, 0)?,
    })
}

#[cfg(test)]
mod tests;
