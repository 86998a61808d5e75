//! What identity needs of the outside.
//!
//! A transaction begun for an [`Actor`](crate::Actor) sees and changes that user's own rows only. What a transaction
//! that may write has found stays locked until its end, so that what is decided on it still holds when it is stored.
//!
//! The ports under "before anyone is known" are bound to no one; they are few, and serve sign-in and token checks. Only
//! the [`GuessLedger`] writes, and what it writes names nobody.

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use tenantry_kernel::{Page, PageRequest, Revision, StorageError, Transaction, UserId};

use crate::{
    AccessClaims, AccessTokenError, ApiKey, ApiKeyDigest, ApiKeyId, ApiKeyUse, AuditEntry, AuditFilter, Bucket,
    BucketKey, ClaimedMail, Delivery, DeviceClaims, Email, InsertUserError, KnownApiKey, Letter, LinkDigest,
    LinkPurpose, LinkToken, Liveness, LoginIdentifier, MailRefusal, MailedLink, MfaClaims, NewApiKeySecret, NewLink,
    NewSigningKey, OutgoingMail, Password, PasswordAttempt, PasswordFingerprint, PasswordHash, PointlessLink,
    PublishedKey, RecipientDigest, RecoveryCode, RecoveryCodeDigest, RefreshClaims, Revocation, SealedTotpSecret,
    SecondFactorLimits, Session, SessionId, Settlement, SigningKey, SigningKeyChanges, Totp, TotpCode, TotpSetup, User,
};

/// A unit of work that can tell the audit log what it does.
pub trait AuditTransaction: Transaction {
    /// The audit log.
    fn audit(&mut self) -> &mut dyn AuditRepository;
}

/// The audit log, append-only.
#[async_trait]
pub trait AuditRepository: Send {
    /// Appends an entry, which is kept if the transaction is. The context may write to the log of its organisation,
    /// of one that its user belongs to, and of none; it can't name another user as the actor.
    async fn append(&mut self, entry: &AuditEntry) -> Result<(), StorageError>;
    /// The entries of the context's organisation that `filter` admits, the newest first.
    async fn list(&mut self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditEntry>, StorageError>;
}

/// A unit of work over one account.
pub trait IdentityTransaction: AuditTransaction + OutboxTransaction {
    /// The accounts.
    fn users(&mut self) -> &mut dyn UserRepository;
    /// Their passwords.
    fn credentials(&mut self) -> &mut dyn CredentialRepository;
    /// Their second factors.
    fn second_factors(&mut self) -> &mut dyn SecondFactorRepository;
    /// The links that were mailed to them.
    fn links(&mut self) -> &mut dyn LinkRepository;
    /// Their login sessions.
    fn sessions(&mut self) -> &mut dyn SessionRepository;
    /// The access tokens that died early.
    fn revocations(&mut self) -> &mut dyn RevocationRepository;
}

/// The accounts that the transaction's context may see: the actor's own, and in a tenant's transaction those of
/// the organisation's members.
#[async_trait]
pub trait UserRepository: Send {
    /// The account, deleted ones included.
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StorageError>;
    /// The account with this address, in any spelling, unless it is deleted. It is not locked: it may be another's.
    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StorageError>;
    /// Stores a new account. E-mail addresses and usernames are unique among all accounts, by their keys.
    async fn insert(&mut self, user: &User) -> Result<(), InsertUserError>;
    /// Replaces the account if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, user: &User, expected: Revision) -> Result<bool, InsertUserError>;
    /// Notes a sign-in; the revision grows by one.
    async fn record_login(&mut self, id: UserId, at: DateTime<Utc>) -> Result<(), StorageError>;
}

/// The stored passwords of the accounts that the context may change.
#[async_trait]
pub trait CredentialRepository: Send {
    /// The hash of the actor's own password.
    async fn find(&mut self, id: UserId) -> Result<Option<PasswordHash>, StorageError>;
    /// Stores the account's first password.
    async fn insert(&mut self, id: UserId, hash: &PasswordHash, at: DateTime<Utc>) -> Result<(), StorageError>;
    /// Replaces the account's password.
    async fn update(&mut self, id: UserId, hash: &PasswordHash, at: DateTime<Utc>) -> Result<(), StorageError>;
}

/// The actor's authenticator app and recovery codes.
#[async_trait]
pub trait SecondFactorRepository: Send {
    /// The app, one that is not confirmed included.
    async fn find(&mut self, id: UserId) -> Result<Option<Totp>, StorageError>;
    /// Stores an app where there is none.
    async fn insert(&mut self, totp: &Totp) -> Result<(), StorageError>;
    /// Stores that an app is confirmed, if the stored one has the same secret and is not; tells whether it was so.
    async fn confirm(&mut self, totp: &Totp) -> Result<bool, StorageError>;
    /// Notes that the code of `step` was accepted, if the stored app has this secret, is confirmed, and neither that
    /// nor a later code was accepted before; tells whether it was so. Forgets failed attempts then. Of any number of
    /// concurrent calls for one step exactly one succeeds.
    async fn accept_step(&mut self, id: UserId, secret: &SealedTotpSecret, step: i64) -> Result<bool, StorageError>;
    /// Stores new recovery codes.
    async fn insert_recovery_codes(&mut self, id: UserId, codes: &[RecoveryCodeDigest]) -> Result<(), StorageError>;
    /// Notes that a recovery code was used, if there is such a code that was not; tells whether it was so. Forgets
    /// failed attempts then. Of any number of concurrent calls exactly one succeeds.
    async fn use_recovery_code(
        &mut self,
        id: UserId,
        code: &RecoveryCodeDigest,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError>;
    /// Counts an attempt, unless as many as `limits` allows were counted already since the window began; tells whether
    /// it was counted. Of any number of concurrent calls no more succeed than are allowed.
    async fn reserve_attempt(
        &mut self,
        id: UserId,
        limits: SecondFactorLimits,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError>;
    /// Forgets the app and the recovery codes.
    async fn delete(&mut self, id: UserId) -> Result<(), StorageError>;
}

/// The links that were mailed to the actor. They come from [`LinkDesk`] alone.
#[async_trait]
pub trait LinkRepository: Send {
    /// Notes that the actor's link of this digest was used at `at`, if it is there for this purpose, was not used, and
    /// has not expired; tells whether it was so. Of any number of concurrent calls exactly one succeeds.
    async fn use_up(
        &mut self,
        id: UserId,
        purpose: LinkPurpose,
        digest: &LinkDigest,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError>;
    /// Forgets the actor's link for this purpose, if there is one.
    async fn delete(&mut self, id: UserId, purpose: LinkPurpose) -> Result<(), StorageError>;
}

/// The login sessions of the actor.
#[async_trait]
pub trait SessionRepository: Send {
    /// The session, ended ones included.
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StorageError>;
    /// The sessions that are live at `now`, the newest first, at most 100.
    async fn list_live(&mut self, now: DateTime<Utc>) -> Result<Vec<Session>, StorageError>;
    /// Stores a new session.
    async fn insert(&mut self, session: &Session) -> Result<(), StorageError>;
    /// Stores a rotated session if its stored generation is still `expected` and it is not revoked; tells whether
    /// it was. Of any number of concurrent calls with the same expectation exactly one succeeds.
    async fn rotate(&mut self, session: &Session, expected: i64) -> Result<bool, StorageError>;
    /// Ends one session at `at`; tells whether it was live.
    async fn revoke(&mut self, id: SessionId, at: DateTime<Utc>) -> Result<bool, StorageError>;
    /// Ends all of the actor's live sessions but `kept` at `at`, and names them.
    async fn revoke_all(&mut self, kept: Option<SessionId>, at: DateTime<Utc>) -> Result<Vec<SessionId>, StorageError>;
}

/// The log of revocations that every node follows.
#[async_trait]
pub trait RevocationRepository: Send {
    /// Appends revocations.
    async fn insert(&mut self, revocations: &[Revocation]) -> Result<(), StorageError>;
}

/// A unit of work that people are told of by mail.
pub trait OutboxTransaction: Transaction {
    /// The mails that wait to be sent.
    fn outbox(&mut self) -> &mut dyn OutboxRepository;
}

/// The mails that wait to be sent. Whoever may write can add one, and nobody reads them but [`Outbox`].
#[async_trait]
pub trait OutboxRepository: Send {
    /// Adds a mail, which is sent soon after the transaction is committed, and never if it is not.
    async fn insert(&mut self, mail: &OutgoingMail) -> Result<(), StorageError>;
}

/// A unit of work over the API keys of one user in one organisation.
pub trait ApiKeyTransaction: AuditTransaction {
    /// The keys.
    fn api_keys(&mut self) -> &mut dyn ApiKeyRepository;
}

/// The API keys of the context's user in its organisation.
#[async_trait]
pub trait ApiKeyRepository: Send {
    /// All keys, expired ones included, the newest first.
    async fn list(&mut self) -> Result<Vec<ApiKey>, StorageError>;
    /// Stores a new key, and what stands for its text.
    async fn insert(&mut self, key: &ApiKey, digest: &ApiKeyDigest) -> Result<(), StorageError>;
    /// Deletes a key; tells whether there was one.
    async fn delete(&mut self, id: ApiKeyId) -> Result<bool, StorageError>;
}

// Before anyone is known.

/// Finds the API key that a program presents.
#[async_trait]
pub trait ApiKeyLookup: Send + Sync {
    /// The key with this digest, expired ones included, if its owner may act where it was made: the account is active and
    /// not deleted, the membership active, the organisation active and not deleted.
    async fn find(&self, digest: &ApiKeyDigest) -> Result<Option<KnownApiKey>, StorageError>;
}

/// Keeps when API keys were last used.
#[async_trait]
pub trait ApiKeyUses: Send + Sync {
    /// Stores the uses of keys that are still there, but for those that are less than `precision` after the stored one.
    async fn store(&self, uses: &[ApiKeyUse], precision: Duration) -> Result<(), StorageError>;
}

/// Finds the account that somebody wants to sign in to.
#[async_trait]
pub trait CredentialLookup: Send + Sync {
    /// The account with this e-mail address or username and its password's hash. Deleted accounts are absent.
    async fn find(&self, identifier: &LoginIdentifier) -> Result<Option<(User, PasswordHash)>, StorageError>;
}

/// Finds the account that a mailed link belongs to.
#[async_trait]
pub trait LinkLookup: Send + Sync {
    /// The link of this digest and purpose, and its account; used and expired ones, and deleted accounts, included.
    async fn find(&self, purpose: LinkPurpose, digest: &LinkDigest)
    -> Result<Option<(User, MailedLink)>, StorageError>;
}

/// Reads the log of revocations of all accounts.
#[async_trait]
pub trait RevocationFeed: Send + Sync {
    /// The revocations that occurred at `since` or later, or all that are kept.
    async fn since(&self, since: Option<DateTime<Utc>>) -> Result<Vec<Revocation>, StorageError>;
}

/// Checks one access token against the database, for when the list in memory is too old.
#[async_trait]
pub trait LivenessLookup: Send + Sync {
    /// Whether the token's session, account and membership still are what it says.
    async fn find(&self, claims: &AccessClaims) -> Result<Liveness, StorageError>;
}

/// Counts guesses. What it counts survives a restart and is shared by all nodes.
#[async_trait]
pub trait GuessLedger: Send + Sync {
    /// Counts one guess in each of these buckets, or in none of them where one admits no other at `now`; then `None`.
    /// Otherwise how many guesses each has counted, in order. Of any number of concurrent calls no more succeed than
    /// every bucket admits.
    ///
    /// A bucket admits a guess while it has counted fewer than its rule allows, no wait is on, and fewer than
    /// `at_once` are not settled; those count as settled [`Bucket::settling_time`] after the latest guess. When its
    /// window has ended it is as if new.
    async fn reserve(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Option<Vec<u32>>, StorageError>;
    /// Notes what became of guesses. A wait is never shortened, and a bucket is remembered as long as its wait.
    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StorageError>;
}

/// Keeps the keys that access tokens are signed with. They belong to nobody, and every node needs all of them.
#[async_trait]
pub trait SigningKeyStore: Send + Sync {
    /// All keys, the oldest first.
    async fn list(&self) -> Result<Vec<SigningKey>, StorageError>;
    /// Makes the changes and tells the audit log, or does neither: when a key that is named is not there in the state
    /// that its change begins with, or when a new key would be a second one that is next or active. Tells whether they
    /// were made. Of any number of concurrent calls that start from the same keys one succeeds.
    async fn apply(&self, changes: &SigningKeyChanges, entries: &[AuditEntry]) -> Result<bool, StorageError>;
}

// Mail.

/// Hands the mails that wait to the workers that send them, of all tenants.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes at most `limit` mails that are due at `now`, the longest due first, and leaves them to the caller until
    /// `until`: of any number of concurrent calls one gets each mail. A mail that is still not settled then is due again.
    async fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u16,
    ) -> Result<Vec<ClaimedMail>, StorageError>;
    /// Notes how sending ended, unless somebody else has claimed the mail since; tells whether nobody had. The content
    /// of a mail that was sent or dropped is deleted.
    async fn settle(
        &self,
        claimed: &ClaimedMail,
        delivery: &Delivery,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError>;
    /// How many mails of the same kind to the same recipient were put into the outbox before this one, at `since` or
    /// later, and not dropped.
    async fn count_before(&self, mail: &OutgoingMail, since: DateTime<Utc>) -> Result<u64, StorageError>;
}

/// Makes links lead somewhere, just before they are mailed: until then nobody has looked whether the address has an
/// account.
#[async_trait]
pub trait LinkDesk: Send + Sync {
    /// Stores the link for the account that has its address, in the place of the latest one for the same purpose, as
    /// [`NewLink::of`] decides. The account stays locked meanwhile, so that of concurrent calls the latest link remains.
    async fn issue(&self, link: &NewLink) -> Result<Result<(), PointlessLink>, StorageError>;
}

/// Puts mails into words and hands them over to whoever delivers them.
#[async_trait]
pub trait MailTransport: Send + Sync {
    /// Hands over one mail. The same letter always has the same Message-ID (RFC 5322, section 3.6.4), so that one that
    /// was handed over twice can be recognised.
    ///
    /// # Errors
    /// [`MailRefusal`] says whether another attempt makes sense.
    async fn send(&self, letter: &Letter) -> Result<(), MailRefusal>;
}

// Cryptography.

/// Names buckets.
pub trait BucketKeys: Send + Sync {
    /// The key of the bucket with this label; nobody else can tell the label from it, even by trying all of them.
    fn key(&self, label: &[u8]) -> BucketKey;
}

/// Derives and checks device tokens.
pub trait DeviceTokens: Send + Sync {
    /// The token; the same claims always give the same one.
    fn issue(&self, claims: &DeviceClaims) -> String;
    /// What the token says at `now`, if it is ours and has not expired.
    fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<DeviceClaims>;
}

/// Encrypts what is kept of clients' data, and notices when it was changed.
pub trait Sealer: Send + Sync {
    /// Encrypts `plain`; it can be opened with the same `context` only.
    fn seal(&self, plain: &[u8], context: &[u8]) -> Vec<u8>;
    /// What was sealed, unless it or its context was changed.
    fn open(&self, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>>;
}

/// Makes the tokens of mailed links, and the hashes by which they and their recipients are known.
pub trait LinkSecrets: Send + Sync {
    /// A token of 256 random bits.
    fn generate(&self) -> LinkToken;
    /// The SHA-256 of a token, by which it is stored and found. The token is random, so the hash needs no salt.
    fn digest_token(&self, token: &LinkToken) -> [u8; 32];
    /// A keyed hash of an address, the same for all its spellings.
    fn digest_recipient(&self, address: &Email) -> RecipientDigest;
}

/// What verifying a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The password is right.
    Match,
    /// The password is right, and its hash should be replaced by one of the current scheme and cost.
    MatchRehash,
    /// The password is wrong, or there is no such account.
    Mismatch,
}

/// A password could not be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// Too many are waiting already.
    #[error("password hashing is busy")]
    Busy {
        /// When a try is likely to succeed, in seconds.
        retry_after_seconds: u64,
    },
    /// The hasher failed or was shut down.
    #[error("password hashing failed")]
    Failed,
}

/// Hashes passwords slowly, on threads of its own.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a new password with a new salt.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError>;
    /// Compares an attempt with a stored hash. Without a hash it does the same work and answers
    /// [`Verification::Mismatch`], so that an unknown account takes as long as a wrong password.
    async fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, HashingError>;
    /// Whether the hash is one that an attempt would be compared with: well-formed, of a known scheme, and not so costly
    /// that computing it could harm the others.
    fn is_supported(&self, hash: &PasswordHash) -> bool;
    /// Whether another hash would be taken on now.
    ///
    /// # Errors
    /// [`HashingError::Busy`].
    fn check_room(&self) -> Result<(), HashingError>;
    /// Takes as long as [`PasswordHasher::verify`] would now, and does no work: for an attempt that is not to be
    /// compared, where nobody may notice.
    async fn pretend(&self) -> Result<(), HashingError>;
}

/// Knows passwords that were stolen and published.
#[async_trait]
pub trait BreachedPasswords: Send + Sync {
    /// Whether the password is known. An adapter that can't tell in time says no: a list that is away must not keep
    /// people from choosing passwords.
    async fn contains(&self, password: &Password) -> bool;
}

/// Signs and checks access tokens.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// The signed token (RFC 7519).
    fn issue(&self, claims: &AccessClaims) -> String;
    /// What the token says at `now`, if it is ours; without leeway.
    ///
    /// # Errors
    /// [`AccessTokenError`] tells an expired token from a forged one, and from one that can't be checked now.
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, AccessTokenError>;
}

/// Makes the keys of access tokens, and encrypts them.
pub trait SigningKeyForge: Send + Sync {
    /// A new random pair.
    fn generate(&self) -> NewSigningKey;
    /// Whether what the key is good for can be decrypted here.
    fn can_open(&self, key: &SigningKey) -> bool;
    /// The key encrypted anew, where it was encrypted under the previous secret; `None` where that needs not, or can't,
    /// be done.
    fn reseal(&self, key: &SigningKey) -> Option<SigningKey>;
}

/// Tells the public keys that access tokens can be verified with.
pub trait PublishedKeys: Send + Sync {
    /// Those of all keys: next, active, retired.
    fn published(&self) -> Vec<PublishedKey>;
}

/// Makes the texts of API keys, and recognises them.
pub trait ApiKeySecrets: Send + Sync {
    /// A key of 256 random bits, with what is stored of it.
    fn generate(&self) -> NewApiKeySecret;
    /// Whether the text claims to be an API key.
    fn is_key(&self, text: &str) -> bool;
    /// What stands for the key; none for a text that was never one.
    fn digest(&self, text: &str) -> Option<ApiKeyDigest>;
}

/// Derives and checks refresh tokens.
pub trait RefreshTokens: Send + Sync {
    /// The token; the same claims always give the same one.
    fn issue(&self, claims: &RefreshClaims) -> String;
    /// What the token says, if it is ours.
    fn verify(&self, token: &str) -> Option<RefreshClaims>;
}

/// Signs and checks the tokens between a right password and the second factor.
pub trait MfaTokens: Send + Sync {
    /// The signed token.
    fn issue(&self, claims: &MfaClaims) -> String;
    /// What the token says at `now`, if it is ours.
    ///
    /// # Errors
    /// [`AccessTokenError`] tells an expired token from a forged one.
    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<MfaClaims, AccessTokenError>;
    /// What stands for a password's hash in a token.
    fn fingerprint(&self, hash: &PasswordHash) -> PasswordFingerprint;
}

/// The codes of authenticator apps (RFC 6238: SHA-1, 6 digits, 30 seconds).
pub trait TotpCodes: Send + Sync {
    /// A new random secret of at least 160 bits for the app of `account`, encrypted, and what the app is told.
    fn enroll(&self, user_id: UserId, account: &str) -> (SealedTotpSecret, TotpSetup);
    /// The time step whose code this is: that of `now`, the one before or the one after. `None` when it is of no such
    /// step, or the secret is another user's.
    fn matching_step(
        &self,
        user_id: UserId,
        secret: &SealedTotpSecret,
        code: &TotpCode,
        now: DateTime<Utc>,
    ) -> Option<i64>;
}

/// Makes recovery codes.
pub trait RecoveryCodes: Send + Sync {
    /// A random code of at least 64 bits.
    fn generate(&self) -> RecoveryCode;
    /// What is stored of the user's code; the same code of another user has another digest.
    fn digest(&self, user_id: UserId, code: &RecoveryCode) -> RecoveryCodeDigest;
}
