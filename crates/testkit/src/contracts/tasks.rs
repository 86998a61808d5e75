use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use tenantry_kernel::{IdGenerator as _, Page, PageLimit, PageRequest, Revision, Store, SystemIds, UserId};
use tenantry_tasks::{
    Completion, Direction, DueAt, Labels, NewTask, Priority, SortField, Status, Task, TaskDescription, TaskFilter,
    TaskId, TaskSort, TaskTitle, Visibility, ports::TaskTransaction,
};
use tenantry_tenancy::{ProjectId, TenantContext};

use crate::{World, contract::contract};

/// What surrounds tasks: organisations, their members and projects, all new and so far without tasks.
#[async_trait]
pub trait TaskWorld: Send + Sync {
    /// The owner of a new organisation.
    async fn organization(&self) -> TenantContext;
    /// A new member of an organisation.
    async fn member(&self, context: &TenantContext) -> UserId;
    /// A new project of an organisation.
    async fn project(&self, context: &TenantContext) -> ProjectId;
}

#[async_trait]
impl TaskWorld for &'static World {
    async fn organization(&self) -> TenantContext {
        self.person().await.owner
    }

    async fn member(&self, context: &TenantContext) -> UserId {
        let person = self.person().await;
        self.join(context, &person, tenantry_tenancy::Role::Member).await;
        person.user.id
    }

    async fn project(&self, context: &TenantContext) -> ProjectId {
        World::project(self, context).await.id
    }
}

/// An adapter of the ports of tasks, in its surroundings.
pub struct TaskSubject {
    /// The adapter.
    pub store: Arc<dyn Store<TenantContext, dyn TaskTransaction>>,
    /// What surrounds it.
    pub world: Box<dyn TaskWorld>,
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_855_400 + seconds, 0).unwrap_or_default()
}

fn task(context: &TenantContext, title: &str, made: i64) -> Task {
    let new = NewTask::titled(TaskTitle::parse(title).expect("a title"));
    let user_id = context.actor().user_id().expect("a user");
    Task::create(new, TaskId::generate(&SystemIds), context.organization_id(), user_id, at(made))
}

impl TaskSubject {
    async fn begin(&self, context: &TenantContext) -> Box<dyn TaskTransaction> {
        self.store.begin(context).await.expect("a transaction")
    }

    async fn store_all(&self, context: &TenantContext, tasks: &[Task]) {
        let mut transaction = self.begin(context).await;
        for task in tasks {
            assert!(transaction.tasks().insert(task).await.expect("an insert"));
        }
        transaction.commit().await.expect("a commit");
    }

    async fn find(&self, context: &TenantContext, id: TaskId) -> Option<Task> {
        let mut transaction = self.store.read(context).await.expect("a transaction");
        transaction.tasks().find(id).await.expect("an answer")
    }

    async fn list(
        &self,
        context: &TenantContext,
        filter: &TaskFilter,
        sort: TaskSort,
        page: &PageRequest,
    ) -> Page<Task> {
        let mut transaction = self.store.read(context).await.expect("a transaction");
        transaction.tasks().list(Visibility::All, filter, sort, page).await.expect("a page")
    }

    async fn titles(&self, context: &TenantContext, visibility: Visibility, filter: &TaskFilter) -> Vec<String> {
        let sort = TaskSort { field: SortField::Title, direction: Direction::Ascending };
        let mut transaction = self.store.read(context).await.expect("a transaction");
        let page = transaction.tasks().list(visibility, filter, sort, &PageRequest::default()).await.expect("a page");
        page.items.into_iter().map(|task| task.title.into_string()).collect()
    }
}

/// Tasks with every combination of sort keys, among them equal and empty ones.
fn assorted(context: &TenantContext) -> Vec<Task> {
    (0_i64..23)
        .map(|number| {
            let mut task = task(context, &format!("task {}", number % 5), number % 4);
            task.priority = Priority::parse(number % 3).expect("a priority");
            task.due_at = (number % 3 != 0).then(|| DueAt::from_stored(at(number % 2)));
            task.updated_at = at(number % 6);
            task
        })
        .collect()
}

fn every_sort() -> impl Iterator<Item = TaskSort> {
    SortField::NAMES.into_iter().flat_map(|(_, field)| {
        [Direction::Ascending, Direction::Descending].map(|direction| TaskSort { field, direction })
    })
}

contract! {
    /// What every adapter of the ports of tasks promises.
    TASKS(subject: TaskSubject)

    async fn a_task_comes_back_as_it_was_stored() {
        let context = subject.world.organization().await;
        let stored = Task {
            project_id: Some(subject.world.project(&context).await),
            assignee_id: Some(subject.world.member(&context).await),
            description: Some(TaskDescription::parse("with 'quotes', \"more\"; -- and % _ \\ ünïcode 🦀\nlines").unwrap()),
            priority: Priority::parse(4).unwrap(),
            due_at: Some(DueAt::from_stored(at(5) + Duration::microseconds(1))),
            labels: Labels::parse(&["home".to_owned(), "l'été".to_owned()]).unwrap(),
            ..task(&context, "paint the fence", 0).completed(Completion::Set(Status::Completed), at(1) + Duration::milliseconds(7))
        };
        subject.store_all(&context, std::slice::from_ref(&stored)).await;
        assert_eq!(subject.find(&context, stored.id).await, Some(stored.clone()));
        let page = subject.list(&context, &TaskFilter::default(), TaskSort::default(), &PageRequest::default()).await;
        assert_eq!(page.items, vec![stored]);
    }

    async fn what_is_not_there_is_absent() {
        let context = subject.world.organization().await;
        let absent = task(&context, "never stored", 0);
        assert_eq!(subject.find(&context, absent.id).await, None);
        let mut transaction = subject.begin(&context).await;
        assert!(!transaction.tasks().update(&absent, Revision::FIRST).await.unwrap());
        assert!(!transaction.tasks().delete(absent.id, Revision::FIRST).await.unwrap());
    }

    async fn a_known_id_changes_nothing_and_leaves_the_transaction_usable() {
        let context = subject.world.organization().await;
        let first = task(&context, "first", 0);
        subject.store_all(&context, std::slice::from_ref(&first)).await;
        let mut transaction = subject.begin(&context).await;
        let second = Task { id: first.id, ..task(&context, "second", 1) };
        assert!(!transaction.tasks().insert(&second).await.unwrap());
        assert_eq!(transaction.tasks().find(first.id).await.unwrap(), Some(first));
    }

    async fn a_change_needs_the_stored_revision() {
        let context = subject.world.organization().await;
        let first = task(&context, "draft", 0);
        subject.store_all(&context, std::slice::from_ref(&first)).await;
        let second = first.clone().completed(Completion::Toggle, at(1));
        let mut transaction = subject.begin(&context).await;
        assert!(transaction.tasks().update(&second, first.revision).await.unwrap());
        assert!(!transaction.tasks().update(&second, first.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(subject.find(&context, first.id).await, Some(second.clone()));
        let mut transaction = subject.begin(&context).await;
        assert!(!transaction.tasks().delete(first.id, first.revision).await.unwrap());
        assert!(transaction.tasks().delete(first.id, second.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(subject.find(&context, first.id).await, None);
    }

    async fn what_is_not_committed_leaves_nothing() {
        let context = subject.world.organization().await;
        let kept = task(&context, "kept", 0);
        subject.store_all(&context, std::slice::from_ref(&kept)).await;
        let dropped = task(&context, "dropped", 1);
        let mut transaction = subject.begin(&context).await;
        assert!(transaction.tasks().insert(&dropped).await.unwrap());
        assert!(transaction.tasks().delete(kept.id, kept.revision).await.unwrap());
        drop(transaction);
        assert_eq!(subject.find(&context, dropped.id).await, None);
        assert_eq!(subject.find(&context, kept.id).await, Some(kept));
    }

    async fn one_of_two_writers_waits_and_sees_the_other() {
        let context = subject.world.organization().await;
        let first = task(&context, "contested", 0);
        subject.store_all(&context, std::slice::from_ref(&first)).await;
        let writer = async || {
            let mut transaction = subject.begin(&context).await;
            let stored = transaction.tasks().find(first.id).await.unwrap().unwrap();
            let seen = stored.revision;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let next = stored.completed(Completion::Toggle, at(2));
            assert!(transaction.tasks().update(&next, seen).await.unwrap());
            transaction.commit().await.unwrap();
        };
        tokio::join!(writer(), writer(), writer());
        assert_eq!(subject.find(&context, first.id).await.unwrap().revision.get(), 4);
    }

    async fn pages_by_number_hold_everything_once_and_count_it() {
        let context = subject.world.organization().await;
        let tasks = assorted(&context);
        subject.store_all(&context, &tasks).await;
        let limit = PageLimit::new(10).unwrap();
        for sort in every_sort() {
            let mut seen = Vec::new();
            for page in 1..=3 {
                let page = subject.list(&context, &TaskFilter::default(), sort, &PageRequest::Number { page, limit }).await;
                assert_eq!(page.total, Some(23));
                seen.extend(page.items);
            }
            assert_in_order(&seen, sort);
            let ids: BTreeSet<_> = seen.iter().map(|task| task.id).collect();
            assert_eq!((seen.len(), ids.len()), (23, 23), "{sort:?}");
        }
        for page in [4, u64::MAX] {
            let past = PageRequest::Number { page, limit };
            let page = subject.list(&context, &TaskFilter::default(), TaskSort::default(), &past).await;
            assert_eq!((page.items, page.total, page.next), (Vec::new(), Some(23), None));
        }
    }

    async fn pages_by_cursor_hold_everything_once_in_every_order() {
        let context = subject.world.organization().await;
        let tasks = assorted(&context);
        subject.store_all(&context, &tasks).await;
        let limit = PageLimit::new(4).unwrap();
        for sort in every_sort() {
            let mut seen = Vec::new();
            let mut request = PageRequest::Number { page: 1, limit };
            loop {
                let page = subject.list(&context, &TaskFilter::default(), sort, &request).await;
                assert_eq!(page.total.is_some(), matches!(request, PageRequest::Number { .. }));
                seen.extend(page.items);
                let Some(cursor) = page.next else { break };
                request = PageRequest::After { cursor, limit };
            }
            assert_in_order(&seen, sort);
            let ids: BTreeSet<_> = seen.iter().map(|task| task.id).collect();
            assert_eq!((seen.len(), ids.len()), (23, 23), "{sort:?}");
        }
    }

    async fn a_cursor_neither_skips_nor_repeats_when_others_come_and_go() {
        let context = subject.world.organization().await;
        let tasks: Vec<Task> = (0..6).map(|number| task(&context, "numbered", number)).collect();
        subject.store_all(&context, &tasks).await;
        let limit = PageLimit::new(3).unwrap();
        let first = PageRequest::Number { page: 1, limit };
        let page = subject.list(&context, &TaskFilter::default(), TaskSort::default(), &first).await;
        subject.store_all(&context, &[task(&context, "newer", 99)]).await;
        let mut transaction = subject.begin(&context).await;
        assert!(transaction.tasks().delete(tasks[5].id, Revision::FIRST).await.unwrap());
        transaction.commit().await.unwrap();
        let request = PageRequest::After { cursor: page.next.unwrap(), limit };
        let rest = subject.list(&context, &TaskFilter::default(), TaskSort::default(), &request).await;
        let made: Vec<_> = rest.items.iter().map(|task| task.created_at).collect();
        assert_eq!((made, rest.next), (vec![at(2), at(1), at(0)], None));
    }

    async fn each_filter_admits_what_it_names() {
        let context = subject.world.organization().await;
        let (project, assignee) = (subject.world.project(&context).await, subject.world.member(&context).await);
        let plain = task(&context, "plain", 0);
        let rich = Task {
            project_id: Some(project),
            assignee_id: Some(assignee),
            description: Some(TaskDescription::parse("Fetch 100% of_the MILK").unwrap()),
            priority: Priority::parse(2).unwrap(),
            due_at: Some(DueAt::from_stored(at(10))),
            labels: Labels::parse(&["home".to_owned()]).unwrap(),
            ..task(&context, "rich Été", 1).completed(Completion::Toggle, at(2))
        };
        subject.store_all(&context, &[plain, rich]).await;
        let none = TaskFilter::default();
        let words = |text: &str| TaskFilter {
            words: text.split(' ').map(str::to_owned).collect(), ..TaskFilter::default()
        };
        let due = |seconds| Some(DueAt::from_stored(at(seconds)));
        for (filter, expected) in [
            (none.clone(), vec!["plain", "rich Été"]),
            (TaskFilter { status: Some(Status::Pending), ..none.clone() }, vec!["plain"]),
            (TaskFilter { status: Some(Status::Completed), ..none.clone() }, vec!["rich Été"]),
            (TaskFilter { project_id: Some(project), ..none.clone() }, vec!["rich Été"]),
            (TaskFilter { assignee_id: Some(assignee), ..none.clone() }, vec!["rich Été"]),
            (TaskFilter { assignee_id: Some(World::stranger()), ..none.clone() }, vec![]),
            (TaskFilter { label: Some("home".to_owned()), ..none.clone() }, vec!["rich Été"]),
            (TaskFilter { label: Some("hom".to_owned()), ..none.clone() }, vec![]),
            (TaskFilter { priority: Some(Priority::parse(2).unwrap()), ..none.clone() }, vec!["rich Été"]),
            (TaskFilter { due_before: due(10), ..none.clone() }, vec![]),
            (TaskFilter { due_before: due(11), ..none.clone() }, vec!["rich Été"]),
            (TaskFilter { due_after: due(10), ..none.clone() }, vec!["rich Été"]),
            (TaskFilter { due_after: due(11), ..none.clone() }, vec![]),
            (words("milk fetch"), vec!["rich Été"]),
            (words("rich milk"), vec!["rich Été"]),
            (words("plain milk"), vec![]),
            (words("100%"), vec!["rich Été"]),
            (words("1%0"), vec![]),
            (words("of_the"), vec!["rich Été"]),
            (words("ofxthe"), vec![]),
            (words("\\ ' \""), vec![]),
        ] {
            assert_eq!(subject.titles(&context, Visibility::All, &filter).await, expected, "{filter:?}");
        }
    }

    async fn a_list_holds_what_its_visibility_admits() {
        let context = subject.world.organization().await;
        let (owner, member) = (context.actor().user_id().unwrap(), subject.world.member(&context).await);
        let own = task(&context, "own", 0);
        let foreign = Task { user_id: member, ..task(&context, "foreign", 0) };
        let assigned = Task { user_id: member, assignee_id: Some(owner), ..task(&context, "assigned", 0) };
        subject.store_all(&context, &[own, foreign, assigned]).await;
        for (visibility, expected) in [
            (Visibility::All, vec!["assigned", "foreign", "own"]),
            (Visibility::OwnOrAssigned(owner), vec!["assigned", "own"]),
            (Visibility::OwnOrAssigned(member), vec!["assigned", "foreign"]),
            (Visibility::Assigned(owner), vec!["assigned"]),
            (Visibility::OwnOrAssigned(World::stranger()), vec![]),
        ] {
            assert_eq!(subject.titles(&context, visibility, &TaskFilter::default()).await, expected, "{visibility:?}");
        }
    }

    async fn c6_no_method_reaches_another_organisation() {
        let (home, other) = (subject.world.organization().await, subject.world.organization().await);
        let (project, member) = (subject.world.project(&home).await, subject.world.member(&home).await);
        let secret = task(&home, "secret", 0);
        subject.store_all(&home, std::slice::from_ref(&secret)).await;
        assert_eq!(subject.find(&other, secret.id).await, None);
        let page = subject.list(&other, &TaskFilter::default(), TaskSort::default(), &PageRequest::default()).await;
        assert_eq!((page.items, page.total), (Vec::new(), Some(0)));
        let mut transaction = subject.begin(&other).await;
        let changed = secret.clone().completed(Completion::Toggle, at(1));
        let not_changed = transaction.tasks().update(&changed, secret.revision).await;
        assert!(!matches!(not_changed, Ok(true)), "another organisation's task was changed");
        drop(transaction);
        let mut transaction = subject.begin(&other).await;
        assert!(!transaction.tasks().delete(secret.id, secret.revision).await.unwrap());
        assert!(!transaction.references().project_exists(project).await.unwrap());
        assert!(!transaction.references().member_exists(member).await.unwrap());
        let smuggled = Task { id: TaskId::from_uuid(SystemIds.next_id()), ..secret.clone() };
        let inserted = transaction.tasks().insert(&smuggled).await;
        assert!(!matches!(inserted, Ok(true)), "a task was put into another organisation");
        drop(transaction);
        assert_eq!(subject.find(&home, secret.id).await, Some(secret));
        assert_eq!(subject.find(&home, smuggled.id).await, None);
    }

    async fn c6_tasks_leave_a_project_of_their_own_organisation() {
        let (home, other) = (subject.world.organization().await, subject.world.organization().await);
        let (project, kept) = (subject.world.project(&home).await, subject.world.project(&home).await);
        let inside = Task { project_id: Some(project), ..task(&home, "inside", 0) };
        let elsewhere = Task { project_id: Some(kept), ..task(&home, "elsewhere", 0) };
        subject.store_all(&home, &[inside.clone(), elsewhere.clone()]).await;
        let mut transaction = subject.begin(&other).await;
        transaction.tasks().leave_project(project, at(60)).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(subject.find(&home, inside.id).await.as_ref(), Some(&inside));
        let mut transaction = subject.begin(&home).await;
        transaction.tasks().leave_project(project, at(60)).await.unwrap();
        transaction.commit().await.unwrap();
        let left = Task { project_id: None, updated_at: at(60), revision: inside.revision.next(), ..inside };
        assert_eq!(subject.find(&home, left.id).await, Some(left));
        assert_eq!(subject.find(&home, elsewhere.id).await, Some(elsewhere));
    }

    async fn references_know_projects_and_members_of_the_organisation() {
        let context = subject.world.organization().await;
        let (project, member) = (subject.world.project(&context).await, subject.world.member(&context).await);
        let mut transaction = subject.store.read(&context).await.unwrap();
        assert!(transaction.references().project_exists(project).await.unwrap());
        assert!(!transaction.references().project_exists(ProjectId::generate(&SystemIds)).await.unwrap());
        assert!(transaction.references().member_exists(member).await.unwrap());
        assert!(!transaction.references().member_exists(World::stranger()).await.unwrap());
    }
}

fn assert_in_order(tasks: &[Task], sort: TaskSort) {
    for pair in tasks.windows(2) {
        let [one, other] = pair else { continue };
        let key = |task: &Task| match sort.field {
            SortField::CreatedAt => (false, task.created_at.timestamp_micros(), String::new()),
            SortField::UpdatedAt => (false, task.updated_at.timestamp_micros(), String::new()),
            SortField::DueAt => {
                let due_at = task.due_at.map(|due_at| due_at.get().timestamp_micros());
                (due_at.is_none(), due_at.unwrap_or_default(), String::new())
            }
            SortField::Priority => (false, i64::from(task.priority.get()), String::new()),
            SortField::Title => (false, 0, task.title.as_str().to_owned()),
        };
        let ((one_empty, one_number, one_text), (other_empty, other_number, other_text)) = (key(one), key(other));
        let forward = (one_number, one_text, one.id).cmp(&(other_number, other_text, other.id));
        let forward = if sort.direction == Direction::Ascending { forward } else { forward.reverse() };
        assert!(one_empty.cmp(&other_empty).then(forward).is_lt(), "{sort:?}: {one:?} before {other:?}");
    }
}
