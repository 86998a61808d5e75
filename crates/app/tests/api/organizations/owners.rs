//! At least one owner remains, whatever is tried at once.

use futures_util::future::join_all;
use serde_json::json;
use tenantry_tenancy::Role;

use super::deletion::ORPHANS;
use super::members::path_to;
use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

/// How often each combination is tried.
const ROUNDS: usize = 3;

on_both_databases!(
    c5_an_owner_remains_whoever_goes_at_once,
    c5_of_three_owners_one_remains,
    c5_whoever_is_made_owner_while_deleting_their_account_is_none,
    c5_owners_can_not_throw_each_other_out,
);

/// What ends an ownership.
#[derive(Debug, Clone, Copy)]
enum End {
    Leave,
    StepDown,
    DeleteAccount,
}

const ENDS: [End; 3] = [End::Leave, End::StepDown, End::DeleteAccount];

async fn end(founder: &Person<'_>, owner: &Person<'_>, end: End) -> Answer {
    let path = path_to(founder, owner);
    match end {
        End::Leave => owner.delete(&path).await,
        End::StepDown => owner.patch(&path, json!({"role": "MEMBER"})).await,
        End::DeleteAccount => owner.ask("DELETE", "/users/me").json(&json!({"password": PASSWORD})).send().await,
    }
}

fn check(answer: &Answer) -> bool {
    match answer.status {
        200 | 204 => true,
        409 => {
            answer.refused(409, "LAST_OWNER");
            false
        }
        _ => panic!("{answer}"),
    }
}

async fn c5_an_owner_remains_whoever_goes_at_once(site: &Site) {
    for _ in 0..ROUNDS {
        for one in ENDS {
            for other in ENDS {
                let founder = site.newcomer().await;
                let second = founder.hire(Role::Owner).await;
                founder.hire(Role::Guest).await;
                let (first, then) = tokio::join!(end(&founder, &founder, one), end(&founder, &second, other));
                let gone = usize::from(check(&first)) + usize::from(check(&then));
                assert_eq!(gone, 1, "{one:?} and {other:?}: {first} and {then}");
                assert_eq!(site.rows(ORPHANS).await, 0, "{one:?} and {other:?}: {first} and {then}");
            }
        }
    }
}

async fn c5_of_three_owners_one_remains(site: &Site) {
    for _ in 0..ROUNDS {
        let founder = site.newcomer().await;
        let owners = [founder.clone(), founder.hire(Role::Owner).await, founder.hire(Role::Owner).await];
        founder.hire(Role::Admin).await;
        let answers = join_all(owners.iter().zip(ENDS).map(|(owner, way)| end(&founder, owner, way))).await;
        assert_eq!(answers.iter().filter(|answer| check(answer)).count(), 2, "{answers:?}");
        assert_eq!(site.rows(ORPHANS).await, 0, "{answers:?}");
    }
}

async fn c5_whoever_is_made_owner_while_deleting_their_account_is_none(site: &Site) {
    for _ in 0..2 * ROUNDS {
        let founder = site.newcomer().await;
        let heir = founder.hire(Role::Member).await;
        // Without anybody else, the organisation would go with its last owner.
        founder.hire(Role::Guest).await;
        let hand_over = async {
            let path = path_to(&founder, &heir);
            let made = founder.patch(&path, json!({"role": "OWNER"})).await;
            (made, founder.delete(&path_to(&founder, &founder)).await)
        };
        let ((made, left), gone) = tokio::join!(hand_over, end(&founder, &heir, End::DeleteAccount));
        // Either the heir is gone first, and the founder stays; or the heir owns it first, and stays unless the founder does.
        assert!([200, 404].contains(&made.status), "{made}");
        let remain = usize::from(!check(&left)) + usize::from(!check(&gone));
        assert_eq!(remain, 1, "{made} {left} {gone}");
        assert_eq!(site.rows(ORPHANS).await, 0, "{made} {left} {gone}");
    }
}

async fn c5_owners_can_not_throw_each_other_out(site: &Site) {
    for round in 0..2 * ROUNDS {
        let founder = site.newcomer().await;
        let second = founder.hire(Role::Owner).await;
        let third = founder.hire(Role::Owner).await;
        let against = async |actor: &Person<'_>, target: &Person<'_>| {
            let path = path_to(&founder, target);
            if round % 2 == 0 { actor.delete(&path).await } else { actor.patch(&path, json!({"role": "GUEST"})).await }
        };
        let (one, other) = tokio::join!(against(&second, &third), against(&third, &second));
        // Whoever comes second has no right to it any more.
        let won = [&one, &other].iter().filter(|answer| answer.status < 300).count();
        assert_eq!(won, 1, "{one} {other}");
        for answer in [&one, &other] {
            assert!([200, 204, 401, 403, 404].contains(&answer.status), "{answer}");
        }
    }
}
