//! The organisation that the demonstration tells of.

use tenantry_tenancy::Role;

pub(super) const COMPANY: &str = "Harbour Street Bakery";

/// Somebody who works there.
pub(super) struct Character {
    pub(super) full_name: &'static str,
    pub(super) username: &'static str,
    pub(super) role: Role,
}

/// The founder.
pub(super) const FOUNDER: Character = Character { full_name: "Marta Kowalska", username: "marta", role: Role::Owner };

/// Those whom she hires, from the second place on in [`Chore::assignee`].
pub(super) const STAFF: [Character; 3] = [
    Character { full_name: "Idris Bello", username: "idris", role: Role::Admin },
    Character { full_name: "Sofia Lindqvist", username: "sofia", role: Role::Member },
    Character { full_name: "Tom Okafor", username: "tom", role: Role::Guest },
];

/// Names and descriptions of the projects.
pub(super) const PROJECTS: [(&str, &str); 2] = [
    ("Second oven", "Buying, placing and paying for a second deck oven before the winter season."),
    ("Online orders", "Customers order bread on the web until eight in the evening and fetch it in the morning."),
];

/// Something to be done.
pub(super) struct Chore {
    pub(super) title: &'static str,
    pub(super) description: Option<&'static str>,
    /// The place in [`PROJECTS`].
    pub(super) project: Option<usize>,
    /// 0 for the founder, then the place in [`STAFF`] from 1.
    pub(super) assignee: Option<usize>,
    pub(super) priority: i64,
    /// Days from now.
    pub(super) due_in_days: Option<i64>,
    pub(super) labels: &'static [&'static str],
    pub(super) done: bool,
}

const CHORE: Chore = Chore {
    title: "",
    description: None,
    project: None,
    assignee: None,
    priority: 0,
    due_in_days: None,
    labels: &[],
    done: false,
};

#[rustfmt::skip]
pub(super) const CHORES: [Chore; 10] = [
    Chore { title: "Compare three oven offers", description: Some("Price, energy use, time to deliver."), project: Some(0), assignee: Some(1), priority: 3, due_in_days: Some(-6), labels: &["purchase"], done: true },
    Chore { title: "Ask the landlord about the power line", project: Some(0), assignee: Some(0), priority: 4, due_in_days: Some(2), labels: &["purchase", "building"], ..CHORE },
    Chore { title: "Measure the back room", description: Some("The oven is 1.92 m wide with its hood."), project: Some(0), assignee: Some(2), priority: 2, due_in_days: Some(1), labels: &["building"], ..CHORE },
    Chore { title: "Write down what a customer must be told", description: Some("Allergens, deadline, how to cancel."), project: Some(1), assignee: Some(2), priority: 2, due_in_days: Some(9), labels: &["web"], ..CHORE },
    Chore { title: "Take photographs of every loaf", project: Some(1), assignee: Some(3), priority: 1, due_in_days: Some(5), labels: &["web", "shop"], ..CHORE },
    Chore { title: "Try the order form on an old phone", project: Some(1), assignee: Some(2), priority: 2, due_in_days: Some(12), labels: &["web"], ..CHORE },
    Chore { title: "Choose who answers the orders mailbox", project: Some(1), assignee: Some(1), priority: 3, due_in_days: Some(-1), labels: &["people"], done: true, ..CHORE },
    Chore { title: "Order rye flour", description: Some("40 sacks, delivery on a Tuesday."), assignee: Some(1), priority: 4, due_in_days: Some(0), labels: &["stock"], ..CHORE },
    Chore { title: "Roster for the holidays", assignee: Some(0), priority: 3, due_in_days: Some(20), labels: &["people"], ..CHORE },
    Chore { title: "Repaint the shop sign", labels: &["shop"], ..CHORE },
];

/// What the founder asks, and whom.
pub(super) const QUESTIONS: [(&str, &str); 2] = [
    ("legba", "Should we buy the second oven before the winter, or wait for a better offer?"),
    ("oshun", "How do I tell Idris that the roster has to change without hurting him?"),
];

/// A round of a project's work.
pub(super) struct Round {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) number: i64,
    /// The place in [`PROJECTS`].
    pub(super) project: usize,
    pub(super) s3_prefix: &'static str,
    /// Days from now.
    pub(super) started_in_days: i64,
}

pub(super) const ROUND: Round = Round {
    name: "Photographs for the shop window",
    description: "Every loaf from two sides, in daylight, before the order form opens.",
    number: 1,
    project: 1,
    s3_prefix: "round-1",
    started_in_days: -3,
};

/// Where the folders are that are to be brought into the object store: a server has to be told that it may read them.
pub(super) const FOLDERS: &str = "/srv/harbour-street";

/// A folder that is brought into the object store.
pub(super) struct Folder {
    /// Below [`FOLDERS`].
    pub(super) name: &'static str,
    /// The place in [`PROJECTS`].
    pub(super) project: usize,
    /// Whether it belongs to [`ROUND`].
    pub(super) is_of_round: bool,
    pub(super) include: &'static [&'static str],
    pub(super) exclude: &'static [&'static str],
}

pub(super) const SYNCED: [Folder; 2] = [
    Folder { name: "photographs", project: 1, is_of_round: true, include: &["*.jpg", "*.png"], exclude: &["drafts/"] },
    Folder { name: "oven-offers", project: 0, is_of_round: false, include: &[], exclude: &["*.tmp"] },
];
