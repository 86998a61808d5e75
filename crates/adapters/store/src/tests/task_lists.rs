use chrono::{DateTime, Utc};
use tenantry_kernel::{Cursor, Page, PageLimit, PageRequest, SortKey, Store, UserId};
use tenantry_tasks::{
    Completion, DueAt, Labels, NewTask, Priority, Task, TaskDescription, TaskFilter, TaskId, TaskSort, TaskTitle,
    Visibility, ports::TaskTransaction,
};
use tenantry_tenancy::TenantContext;

use super::fixture::{Ids, Newcomer, at, sign_up, stores};
use crate::Database;

fn tasks(database: &Database) -> &dyn Store<TenantContext, dyn TaskTransaction> {
    database
}

fn due(seconds: i64) -> Option<DateTime<Utc>> {
    (seconds % 3 != 0).then(|| at(-seconds))
}

/// Nine tasks whose fields run in different orders, some equal; every third is due never.
fn nine(of: &Newcomer) -> Vec<Task> {
    let titles = ["b", "a", "É", "Z", "é", "a", "ß", "B", "c"];
    (0..9)
        .zip(titles)
        .map(|(number, title)| {
            let mut new = NewTask::titled(TaskTitle::parse(title).unwrap());
            new.priority = Priority::parse(number % 5).unwrap();
            new.due_at = due(number).map(|time| DueAt::parse(time).unwrap());
            new.description = Some(TaskDescription::parse(&format!("100% of_{number} ΣΊΣΥΦΟΣ")).unwrap());
            new.labels = Labels::parse(&[format!("l{}", number % 2), "it's".to_owned()]).unwrap();
            let (id, created) = (TaskId::generate(&Ids), at(number / 2));
            Task::create(new, id, of.organization.id, of.user.id, created)
        })
        .collect()
}

async fn store(database: &Database, of: &Newcomer, new: &[Task]) {
    let mut transaction = tasks(database).begin(&of.context).await.unwrap();
    for task in new {
        assert!(transaction.tasks().insert(task).await.unwrap());
    }
    transaction.commit().await.unwrap();
}

async fn list(
    database: &Database,
    of: &Newcomer,
    visibility: Visibility,
    filter: &TaskFilter,
    sort: TaskSort,
    page: &PageRequest,
) -> Page<Task> {
    let mut transaction = tasks(database).read(&of.context).await.unwrap();
    transaction.tasks().list(visibility, filter, sort, page).await.unwrap()
}

/// The order that every adapter must have, decided here once more.
fn sorted(mut tasks: Vec<Task>, name: &str) -> Vec<Task> {
    let descending = name.starts_with('-');
    let key = |task: &Task| match TaskSort::from_name(name).unwrap().cursor(task).key {
        SortKey::Null => (2, 0, String::new()),
        SortKey::Integer(number) => (1, number, String::new()),
        SortKey::Time(time) => (1, time.timestamp(), String::new()),
        SortKey::Text(text) => (1, 0, text),
    };
    tasks.sort_by(|left, right| {
        let ((left_kind, left_number, left_text), (right_kind, right_number, right_text)) = (key(left), key(right));
        let order = (left_number, left_text, left.id).cmp(&(right_number, right_text, right.id));
        left_kind.cmp(&right_kind).then(if descending { order.reverse() } else { order })
    });
    tasks
}

fn limit(size: u64) -> PageLimit {
    PageLimit::new(size).unwrap()
}

#[tokio::test]
async fn every_order_is_the_same_by_page_and_by_cursor() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let tasks = nine(&ada);
        store(&test.database, &ada, &tasks).await;
        let everything = TaskFilter::default();
        for visibility in [Visibility::All, Visibility::OwnOrAssigned(ada.user.id)] {
            for field in ["created_at", "updated_at", "due_at", "priority", "title"] {
                for name in [field.to_owned(), format!("-{field}")] {
                    let sort = TaskSort::from_name(&name).unwrap();
                    let wanted = sorted(tasks.clone(), &name);
                    let mut by_page = Vec::new();
                    for page in 1..=4 {
                        let page = PageRequest::Number { page, limit: limit(4) };
                        let page = list(&test.database, &ada, visibility, &everything, sort, &page).await;
                        assert_eq!(page.total, Some(9));
                        by_page.extend(page.items);
                    }
                    assert_eq!(by_page, wanted, "{name}");
                    let page = PageRequest::Number { page: 1, limit: limit(2) };
                    let mut page = list(&test.database, &ada, visibility, &everything, sort, &page).await;
                    let mut by_cursor = page.items;
                    while let Some(cursor) = page.next {
                        let after = PageRequest::After { cursor, limit: limit(2) };
                        page = list(&test.database, &ada, visibility, &everything, sort, &after).await;
                        assert_eq!(page.total, None);
                        by_cursor.extend(page.items);
                    }
                    assert_eq!(by_cursor, wanted, "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn filters_mean_the_same_on_both() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        store(&test.database, &ada, &nine(&ada)).await;
        let words = |words: &[&str]| TaskFilter {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            ..TaskFilter::default()
        };
        let label = |label: &str| TaskFilter { label: Some(label.to_owned()), ..TaskFilter::default() };
        let time = |seconds| Some(DueAt::parse(at(seconds)).unwrap());
        for (filter, wanted) in [
            (words(&["é"]), 2),
            (words(&["σίσυφοσ"]), 9),
            (words(&["100%", "OF_3"]), 1),
            (words(&["%"]), 9),
            (words(&["'"]), 0),
            (label("l1"), 4),
            (label("it's"), 9),
            (label("l"), 0),
            (TaskFilter { due_before: time(-4), ..TaskFilter::default() }, 3),
            (TaskFilter { due_after: time(-4), ..TaskFilter::default() }, 3),
            (TaskFilter { priority: Some(Priority::parse(1).unwrap()), ..TaskFilter::default() }, 2),
            (TaskFilter { assignee_id: Some(ada.user.id), ..TaskFilter::default() }, 0),
        ] {
            let page = PageRequest::default();
            let page = list(&test.database, &ada, Visibility::All, &filter, TaskSort::default(), &page).await;
            assert_eq!((page.items.len(), page.total), (wanted, u64::try_from(wanted).ok()), "{filter:?}");
        }
    }
}

#[tokio::test]
async fn own_and_assigned_tasks_are_listed_once() {
    for test in stores().await {
        let [ada, bob] = [sign_up(&test.database, "ada").await, sign_up(&test.database, "bob").await];
        let mut tasks = nine(&ada);
        for (number, task) in tasks.iter_mut().enumerate() {
            task.assignee_id = (number < 4).then_some(if number < 2 { ada.user.id } else { bob.user.id });
        }
        store(&test.database, &ada, &tasks).await;
        let count = async |visibility| {
            let (filter, page) = (TaskFilter::default(), PageRequest::Number { page: 1, limit: limit(3) });
            list(&test.database, &ada, visibility, &filter, TaskSort::default(), &page).await.total
        };
        assert_eq!(count(Visibility::OwnOrAssigned(ada.user.id)).await, Some(9));
        assert_eq!(count(Visibility::OwnOrAssigned(bob.user.id)).await, Some(2));
        assert_eq!(count(Visibility::Assigned(ada.user.id)).await, Some(2));
        assert_eq!(count(Visibility::Assigned(UserId::generate(&Ids))).await, Some(0));
    }
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let mut transaction = tasks(&test.database).read(&ada.context).await.unwrap();
        let cursor = Cursor { key: SortKey::Text("x".to_owned()), id: ada.user.id.as_uuid() };
        let after = PageRequest::After { cursor, limit: PageLimit::default() };
        let outcome =
            transaction.tasks().list(Visibility::All, &TaskFilter::default(), TaskSort::default(), &after).await;
        assert!(outcome.is_err());
    }
}

#[tokio::test]
async fn a_known_id_changes_nothing_and_a_stale_revision_neither() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let [mut task, ..] = <[Task; 9]>::try_from(nine(&ada)).unwrap();
        store(&test.database, &ada, std::slice::from_ref(&task)).await;
        let mut transaction = tasks(&test.database).begin(&ada.context).await.unwrap();
        let seen = task.revision;
        task = task.completed(Completion::Toggle, at(50));
        assert!(!transaction.tasks().insert(&task).await.unwrap());
        assert!(!transaction.tasks().update(&task, task.revision).await.unwrap());
        assert!(transaction.tasks().update(&task, seen).await.unwrap());
        assert_eq!(transaction.tasks().find(task.id).await.unwrap(), Some(task.clone()));
        assert!(!transaction.tasks().delete(task.id, seen).await.unwrap());
        assert!(transaction.tasks().delete(task.id, task.revision).await.unwrap());
        transaction.commit().await.unwrap();
    }
}
