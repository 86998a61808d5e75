use tenantry_kernel::{Clock as _, IdGenerator as _, Revision, SystemIds};
use tenantry_readings::ports::InsertAdvisorError;
use tenantry_readings::{
    AdvisorChange, AdvisorDescription, AdvisorId, AdvisorName, AdvisorTitle, Instructions, NewAdvisor, OwnAdvisor,
};

use crate::{Person, World, contract::contract};

impl World {
    fn own_advisor(&self, person: &Person, id: &str, name: &str) -> OwnAdvisor {
        let new = NewAdvisor {
            id: AdvisorId::parse(id).expect("an id"),
            name: AdvisorName::parse(name).expect("a name"),
            title: AdvisorTitle::parse("'Title' ünïcode").expect("a title"),
            description: AdvisorDescription::parse("").expect("a description"),
            instructions: Instructions::parse("Be\nbrief. 🦀").expect("instructions"),
        };
        OwnAdvisor::create(new, person.owner.organization_id(), self.clock.now())
    }

    pub(super) async fn keep_advisor(&self, person: &Person, id: &str, name: &str) -> OwnAdvisor {
        let advisor = self.own_advisor(person, id, name);
        let mut transaction = self.in_tenant(person).await;
        transaction.advisors().insert(&advisor).await.expect("a new advisor");
        transaction.commit().await.expect("a commit");
        advisor
    }

    async fn find_advisor(&self, person: &Person, id: &AdvisorId) -> Option<OwnAdvisor> {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        transaction.advisors().find(id).await.expect("an answer")
    }
}

contract! {
    /// What every adapter promises of organisations' own advisors.
    ADVISORS(world: World)

    async fn an_advisor_comes_back_as_it_was_stored() {
        let person = world.person().await;
        let stored = world.keep_advisor(&person, "tax-2026", "Tax").await;
        assert_eq!(world.find_advisor(&person, &stored.id).await, Some(stored.clone()));
        assert_eq!(world.find_advisor(&person, &AdvisorId::parse("other").unwrap()).await, None);
        let change = AdvisorChange { name: Some(AdvisorName::parse("Law").unwrap()), ..AdvisorChange::default() };
        let changed = stored.clone().changed(change, world.clock.now() + chrono::Duration::seconds(1));
        let mut transaction = world.in_tenant(&person).await;
        assert!(!transaction.advisors().update(&changed, changed.revision).await.unwrap());
        assert!(transaction.advisors().update(&changed, stored.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.find_advisor(&person, &stored.id).await, Some(changed.clone()));
        let mut transaction = world.in_tenant(&person).await;
        assert!(!transaction.advisors().delete(&stored.id, stored.revision).await.unwrap());
        assert!(transaction.advisors().delete(&stored.id, changed.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.find_advisor(&person, &stored.id).await, None);
    }

    async fn advisors_are_listed_by_name() {
        let person = world.person().await;
        for (id, name) in [("c", "Anna"), ("b", "Zoe"), ("a", "anna"), ("e", "Ümit"), ("d", "Anna")] {
            world.keep_advisor(&person, id, name).await;
        }
        let mut transaction = world.ports.readings.read(&person.owner).await.unwrap();
        let ids: Vec<String> = transaction.advisors().list().await.unwrap().iter().map(|own| own.id.to_string()).collect();
        assert_eq!(ids, ["c", "d", "b", "a", "e"]);
    }

    async fn an_advisors_id_is_taken_in_its_organisation_alone() {
        let (person, other) = (world.person().await, world.person().await);
        world.keep_advisor(&person, "tax", "Tax").await;
        world.keep_advisor(&other, "tax", "Tax").await;
        let again = OwnAdvisor { revision: Revision::FIRST.next(), ..world.own_advisor(&person, "tax", "Other") };
        let mut transaction = world.in_tenant(&person).await;
        assert!(matches!(transaction.advisors().insert(&again).await, Err(InsertAdvisorError::Taken)));
    }

    async fn c6_nobody_sees_or_changes_another_organisations_advisors() {
        let (person, other) = (world.person().await, world.person().await);
        let id = SystemIds.next_id().to_string();
        let stored = world.keep_advisor(&person, &id, "Tax").await;
        assert_eq!(world.find_advisor(&other, &stored.id).await, None);
        let mut transaction = world.in_tenant(&other).await;
        assert!(transaction.advisors().list().await.unwrap().is_empty());
        assert!(!transaction.advisors().update(&stored, stored.revision).await.unwrap());
        assert!(!transaction.advisors().delete(&stored.id, stored.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let mut transaction = world.in_tenant(&other).await;
        let smuggled = world.own_advisor(&person, "law", "Law");
        assert!(transaction.advisors().insert(&smuggled).await.is_err());
        drop(transaction);
        assert_eq!(world.find_advisor(&person, &stored.id).await, Some(stored));
    }
}
