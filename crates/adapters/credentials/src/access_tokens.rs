use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use tenantry_identity::{AccessClaims, AccessTokenError, SessionId, ports::AccessTokens};
use tenantry_kernel::{OrganizationId, UserId};
use uuid::Uuid;

use crate::keys::DerivedKeys;

/// Access tokens are JWTs (RFC 7519) signed with HMAC-SHA-256; no other algorithm is accepted (RFC 8725, 3.1).
pub struct JwtAccessTokens {
    issuer: String,
    audience: String,
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
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
    /// Tokens made by `issuer` for `audience`; others are refused.
    #[must_use]
    pub fn new(keys: &DerivedKeys, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // Compared with the injected clock instead, without leeway.
        validation.validate_exp = false;
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            encoding_key: EncodingKey::from_secret(&keys.access_tokens),
            decoding_key: DecodingKey::from_secret(&keys.access_tokens),
            validation,
        }
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

impl AccessTokens for JwtAccessTokens {
    #[expect(clippy::expect_used, reason = "the payload is strings, numbers and UUIDs, and HMAC takes any key")]
    fn issue(&self, claims: &AccessClaims) -> String {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &self.payload(claims), &self.encoding_key)
            .expect("the payload can be written and signed")
    }

    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, AccessTokenError> {
        let payload = jsonwebtoken::decode::<Payload>(token, &self.decoding_key, &self.validation)
            .or(Err(AccessTokenError::Invalid))?
            .claims;
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
