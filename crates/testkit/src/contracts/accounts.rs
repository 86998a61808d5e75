use std::sync::Arc;

use chrono::Duration;
use tenantry_application::ports::SignInTransaction;
use tenantry_identity::{
    AccessClaims, Client, FullName, InsertUserError, Liveness, LoginIdentifier, PasswordHash, RefreshGrace, Revocation,
    RevocationId, RevokedSubject, Session, SessionId, User, UserKey, Username,
};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};

use crate::{Person, World, contract::contract};

const GRACE: RefreshGrace = RefreshGrace(Duration::seconds(10));

impl World {
    fn session_of(&self, person: &Person) -> Session {
        let now = self.clock.now();
        Session {
            id: SessionId::generate(&SystemIds),
            user_id: person.user.id,
            organization_id: person.owner.organization_id(),
            generation: 0,
            recent_rotations: Vec::new(),
            client: Client {
                user_agent: Some("curl/8".to_owned()),
                ip_address: Some("192.0.2.7".to_owned()),
                request_id: None,
            },
            created_at: now,
            last_seen_at: now,
            expires_at: now + Duration::days(7),
            revoked_at: None,
        }
    }

    pub(super) async fn begin(&self, person: &Person) -> Box<dyn SignInTransaction> {
        self.ports.sign_in.begin(&person.actor).await.expect("a transaction")
    }

    pub(super) async fn open_session(&self, person: &Person) -> Session {
        let session = self.session_of(person);
        let mut transaction = self.begin(person).await;
        transaction.sessions().insert(&session).await.expect("a new session");
        transaction.commit().await.expect("a commit");
        session
    }

    fn claims_of(&self, person: &Person, session: &Session) -> AccessClaims {
        let now = self.clock.now();
        AccessClaims {
            token_id: SystemIds.next_id(),
            user_id: person.user.id,
            email: person.user.email.as_str().to_owned(),
            organization_id: person.owner.organization_id(),
            role: person.owner.role().as_str().to_owned(),
            session_id: session.id,
            user_epoch: person.user.epoch,
            membership_epoch: self.clock.now().timestamp_micros(),
            password_change_due: false,
            issued_at: now,
            expires_at: now + Duration::minutes(15),
        }
    }
}

contract! {
    /// What every adapter of the ports of identity promises.
    ACCOUNTS(world: World)

    async fn an_account_comes_back_as_it_was_stored() {
        let person = world.person().await;
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.users().find(person.user.id).await.unwrap(), Some(person.user.clone()));
        assert_eq!(transaction.credentials().find(person.user.id).await.unwrap(), Some(person.password_hash));
    }

    async fn m2_addresses_and_usernames_are_unique_without_regard_to_case() {
        let (taken, other) = (world.person().await, world.person().await);
        let (fresh, _, _) = world.newcomer().await;
        let shout = taken.user.email.as_str().to_uppercase();
        let same_email = User { email: tenantry_identity::Email::parse(&shout).unwrap(), ..fresh.clone() };
        let shout = taken.user.username.as_str().to_uppercase();
        let same_name = User { username: Username::parse(&shout).unwrap(), ..fresh };
        for (user, key) in [(same_email, UserKey::Email), (same_name, UserKey::Username)] {
            let user = User { id: other.user.id, ..user };
            let mut transaction = world.begin(&other).await;
            match transaction.users().update(&user, other.user.revision).await {
                Err(InsertUserError::Taken(taken)) => assert_eq!(taken, key),
                outcome => panic!("{key:?} was not refused: {outcome:?}"),
            }
        }
    }

    async fn a_change_of_an_account_needs_the_stored_revision() {
        let person = world.person().await;
        let name = FullName::parse("Ada Lovelace").unwrap();
        let changed = person.user.clone().with_profile(Some(Some(name)), None, world.clock.now());
        let mut transaction = world.begin(&person).await;
        assert!(transaction.users().update(&changed, person.user.revision).await.unwrap());
        assert!(!transaction.users().update(&changed, person.user.revision).await.unwrap());
        assert_eq!(transaction.users().find(changed.id).await.unwrap(), Some(changed));
    }

    async fn a_sign_in_is_noted() {
        let person = world.person().await;
        let mut transaction = world.begin(&person).await;
        transaction.users().record_login(person.user.id, world.clock.now()).await.unwrap();
        let user = transaction.users().find(person.user.id).await.unwrap().unwrap();
        assert_eq!((user.last_login_at, user.revision), (Some(world.clock.now()), person.user.revision.next()));
    }

    async fn an_account_is_found_by_address_and_by_username() {
        let person = world.person().await;
        for name in [person.user.email.as_str(), person.user.username.as_str()] {
            let identifier = LoginIdentifier::new(&name.to_uppercase());
            let (user, hash) = world.ports.credentials.find(&identifier).await.unwrap().unwrap();
            assert_eq!((user, hash), (person.user.clone(), person.password_hash.clone()));
        }
        let unknown = LoginIdentifier::new("nobody@example.com");
        assert!(world.ports.credentials.find(&unknown).await.unwrap().is_none());
    }

    async fn a_deleted_account_can_not_be_signed_in_to() {
        let person = world.person().await;
        let deleted = person.user.clone().deleted(world.clock.now());
        let mut transaction = world.begin(&person).await;
        assert!(transaction.users().update(&deleted, person.user.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let identifier = LoginIdentifier::new(person.user.email.as_str());
        assert!(world.ports.credentials.find(&identifier).await.unwrap().is_none());
    }

    async fn a_password_is_replaced() {
        let person = world.person().await;
        let hash = PasswordHash::from_stored("clear:another".to_owned());
        let mut transaction = world.begin(&person).await;
        transaction.credentials().update(person.user.id, &hash, world.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.credentials().find(person.user.id).await.unwrap(), Some(hash));
    }

    async fn a_session_comes_back_as_it_was_stored() {
        let person = world.person().await;
        let session = world.open_session(&person).await;
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.sessions().find(session.id).await.unwrap(), Some(session.clone()));
        assert_eq!(transaction.sessions().list_live(world.clock.now()).await.unwrap(), vec![session.clone()]);
        assert_eq!(transaction.sessions().list_live(session.expires_at).await.unwrap(), vec![]);
        assert_eq!(transaction.sessions().find(SessionId::generate(&SystemIds)).await.unwrap(), None);
    }

    async fn a_session_rotates_once_a_generation() {
        let person = world.person().await;
        let session = world.open_session(&person).await;
        let rotated = session.clone().rotated(world.clock.now(), Duration::days(7), GRACE);
        let mut transaction = world.begin(&person).await;
        assert!(transaction.sessions().rotate(&rotated, session.generation).await.unwrap());
        assert!(!transaction.sessions().rotate(&rotated, session.generation).await.unwrap());
        assert_eq!(transaction.sessions().find(session.id).await.unwrap(), Some(rotated.clone()));
        assert!(transaction.sessions().revoke(session.id, world.clock.now()).await.unwrap());
        let again = rotated.clone().rotated(world.clock.now(), Duration::days(7), GRACE);
        assert!(!transaction.sessions().rotate(&again, rotated.generation).await.unwrap(), "a revoked session rotated");
    }

    async fn sessions_end_one_by_one_or_together() {
        let person = world.person().await;
        let (one, two, three) =
            (world.open_session(&person).await, world.open_session(&person).await, world.open_session(&person).await);
        let now = world.clock.now();
        let mut transaction = world.begin(&person).await;
        assert!(transaction.sessions().revoke(one.id, now).await.unwrap());
        assert!(!transaction.sessions().revoke(one.id, now).await.unwrap());
        assert_eq!(transaction.sessions().revoke_all(Some(two.id), now).await.unwrap(), vec![three.id]);
        let live: Vec<_> = transaction.sessions().list_live(now).await.unwrap().into_iter().map(|s| s.id).collect();
        assert_eq!(live, vec![two.id]);
        assert_eq!(transaction.sessions().find(one.id).await.unwrap().unwrap().revoked_at, Some(now));
    }

    async fn revocations_reach_the_feed_once_committed() {
        let person = world.person().await;
        let now = world.clock.now();
        let subjects = [
            RevokedSubject::Session(SessionId::generate(&SystemIds)),
            RevokedSubject::User(person.user.id),
            RevokedSubject::Membership(person.owner.organization_id(), person.user.id),
        ];
        let revocations = subjects.map(|subject| Revocation {
            id: RevocationId::generate(&SystemIds),
            user_id: person.user.id,
            subject,
            epoch: 3,
            occurred_at: now,
            expires_at: now + Duration::minutes(15),
        });
        let of_person = async |since| -> Vec<Revocation> {
            let all = world.ports.revocation_feed.since(since).await.unwrap();
            all.into_iter().filter(|revocation| revocation.user_id == person.user.id).collect()
        };
        let mut transaction = world.begin(&person).await;
        transaction.revocations().insert(&revocations).await.unwrap();
        transaction.revocations().insert(&[]).await.unwrap();
        transaction.commit().await.unwrap();
        let mut found = of_person(None).await;
        found.sort_by_key(|revocation| revocation.id);
        assert_eq!(found, revocations);
        assert_eq!(of_person(Some(now)).await.len(), 3);
        assert_eq!(of_person(Some(now + Duration::microseconds(1))).await, vec![]);
    }

    async fn m5_a_token_lives_as_long_as_session_account_and_membership() {
        let person = world.person().await;
        let session = world.open_session(&person).await;
        let claims = world.claims_of(&person, &session);
        let liveness = Arc::clone(&world.ports.liveness);
        assert_eq!(liveness.find(&claims).await.unwrap(), Liveness::Live);
        let stranger = AccessClaims { organization_id: world.person().await.owner.organization_id(), ..claims.clone() };
        assert_eq!(liveness.find(&stranger).await.unwrap(), Liveness::MembershipChanged);
        let newer = AccessClaims { membership_epoch: claims.membership_epoch - 1, ..claims.clone() };
        assert_eq!(liveness.find(&newer).await.unwrap(), Liveness::MembershipChanged);
        let older = AccessClaims { user_epoch: -1, ..claims.clone() };
        assert_eq!(liveness.find(&older).await.unwrap(), Liveness::SessionRevoked);
        let mut transaction = world.begin(&person).await;
        assert!(transaction.sessions().revoke(session.id, world.clock.now()).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(liveness.find(&claims).await.unwrap(), Liveness::SessionRevoked);
    }

    async fn c6_no_method_reaches_another_account() {
        let (person, stranger) = (world.person().await, world.person().await);
        let session = world.open_session(&person).await;
        let now = world.clock.now();
        let mut transaction = world.begin(&stranger).await;
        assert_eq!(transaction.users().find(person.user.id).await.unwrap(), None);
        assert_eq!(transaction.credentials().find(person.user.id).await.unwrap(), None);
        assert_eq!(transaction.sessions().find(session.id).await.unwrap(), None);
        assert_eq!(transaction.sessions().list_live(now).await.unwrap(), vec![]);
        assert!(!transaction.sessions().revoke(session.id, now).await.unwrap());
        assert_eq!(transaction.sessions().revoke_all(None, now).await.unwrap(), vec![]);
        let rotated = session.clone().rotated(now, Duration::days(7), GRACE);
        assert!(!matches!(transaction.sessions().rotate(&rotated, 0).await, Ok(true)));
        drop(transaction);
        let mut transaction = world.begin(&stranger).await;
        let changed = person.user.clone().signed_out_everywhere(now);
        assert!(!matches!(transaction.users().update(&changed, person.user.revision).await, Ok(true)));
        drop(transaction);
        let mut transaction = world.begin(&stranger).await;
        let hash = PasswordHash::from_stored("clear:stolen".to_owned());
        let _ = transaction.credentials().update(person.user.id, &hash, now).await;
        let _ = transaction.users().record_login(person.user.id, now).await;
        let _ = transaction.commit().await;
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.users().find(person.user.id).await.unwrap(), Some(person.user.clone()));
        assert_eq!(transaction.credentials().find(person.user.id).await.unwrap(), Some(person.password_hash.clone()));
        assert_eq!(transaction.sessions().find(session.id).await.unwrap(), Some(session));
    }

    async fn u1_a_platform_administrator_is_noticed() {
        let (user, hash, actor) = world.newcomer().await;
        let admin = User { is_platform_admin: true, ..user };
        let name = tenantry_tenancy::OrganizationName::parse("Platform").unwrap();
        let new = tenantry_tenancy::NewOrganization { slug: None, ..tenantry_tenancy::NewOrganization::named(name) };
        let foundation = tenantry_tenancy::TenantContext::found(actor, new, world.clock.now(), &SystemIds).unwrap();
        let mut transaction = world.ports.sign_up.begin(&foundation.context).await.unwrap();
        transaction.users().insert(&admin).await.unwrap();
        transaction.credentials().insert(admin.id, &hash, world.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(world.ports.administrators.any_exists().await.unwrap());
    }

    async fn what_has_expired_is_purged_and_nothing_else() {
        let person = world.person().await;
        let live = world.open_session(&person).await;
        let mut old = world.session_of(&person);
        old.expires_at = old.created_at + Duration::seconds(1);
        let mut transaction = world.begin(&person).await;
        transaction.sessions().insert(&old).await.unwrap();
        transaction.commit().await.unwrap();
        let report = world.purge(old.expires_at + Duration::seconds(1)).await;
        assert!(report.sessions >= 1, "{report:?}");
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.sessions().find(old.id).await.unwrap(), None);
        assert_eq!(transaction.sessions().find(live.id).await.unwrap(), Some(live));
    }
}
