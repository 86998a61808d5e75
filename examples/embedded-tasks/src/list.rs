use std::cmp::Ordering;

use tenantry_kernel::{Cursor, Page, PageRequest, SortKey, StorageError};
use tenantry_tasks::{Direction, SortField, Task, TaskDescription, TaskFilter, TaskSort, Visibility};

/// A page of those `tasks` that both `visibility` and `filter` admit, in the order of `sort`.
///
/// # Errors
/// [`StorageError::Internal`] for a cursor that was made for another order.
pub(crate) fn page_of<'a>(
    tasks: impl Iterator<Item = &'a Task>,
    visibility: Visibility,
    filter: &TaskFilter,
    sort: TaskSort,
    page: &PageRequest,
) -> Result<Page<Task>, StorageError> {
    let mut admitted: Vec<(Cursor, &Task)> = tasks
        .filter(|task| is_visible(task, visibility) && passes(task, filter))
        .map(|task| (sort.cursor(task), task))
        .collect();
    admitted.sort_by(|(one, _), (other, _)| compare(one, other, sort.direction));
    let (start, total) = match page {
        PageRequest::Number { page, limit } => {
            let start = page.saturating_sub(1).saturating_mul(u64::from(limit.get()));
            (usize::try_from(start).unwrap_or(usize::MAX), u64::try_from(admitted.len()).ok())
        }
        PageRequest::After { cursor, .. } => {
            check_key(&cursor.key, sort.field)?;
            (admitted.partition_point(|(place, _)| compare(place, cursor, sort.direction).is_le()), None)
        }
    };
    let probe = usize::from(page.limit().get()) + 1;
    let items = admitted.into_iter().skip(start).take(probe).map(|(_, task)| task.clone()).collect();
    Ok(Page::from_probe(items, page.limit(), total, |task| sort.cursor(task)))
}

fn is_visible(task: &Task, visibility: Visibility) -> bool {
    match visibility {
        Visibility::All => true,
        Visibility::Assigned(id) => task.assignee_id == Some(id),
        Visibility::OwnOrAssigned(id) => task.user_id == id || task.assignee_id == Some(id),
    }
}

fn passes(task: &Task, filter: &TaskFilter) -> bool {
    filter.status.is_none_or(|status| task.status == status)
        && filter.project_id.is_none_or(|id| task.project_id == Some(id))
        && filter.assignee_id.is_none_or(|id| task.assignee_id == Some(id))
        && filter.priority.is_none_or(|priority| task.priority == priority)
        && filter.label.as_ref().is_none_or(|label| task.labels.as_slice().contains(label))
        && filter.due_before.is_none_or(|time| task.due_at.is_some_and(|due_at| due_at < time))
        && filter.due_after.is_none_or(|time| task.due_at.is_some_and(|due_at| due_at >= time))
        && has_words(task, &filter.words)
}

fn has_words(task: &Task, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let description = task.description.as_ref().map_or("", TaskDescription::as_str);
    // No word has a line break, so none is found across the two.
    let text = in_lower_case(&[task.title.as_str(), description].join("\n"));
    words.iter().all(|word| text.contains(&in_lower_case(word)))
}

/// Each character by itself, so that a part of a text stays a part of it: `str::to_lowercase` looks at the neighbours
/// of a sigma.
fn in_lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Empty keys come last in either direction, and the id decides between equal ones.
fn compare(one: &Cursor, other: &Cursor, direction: Direction) -> Ordering {
    let is_empty = |place: &Cursor| place.key == SortKey::Null;
    let forward = compare_keys(&one.key, &other.key).then(one.id.cmp(&other.id));
    is_empty(one).cmp(&is_empty(other)).then(match direction {
        Direction::Ascending => forward,
        Direction::Descending => forward.reverse(),
    })
}

/// Keys of one field are of one kind, so that only empty ones are left for the last arm.
fn compare_keys(one: &SortKey, other: &SortKey) -> Ordering {
    match (one, other) {
        (SortKey::Integer(one), SortKey::Integer(other)) => one.cmp(other),
        (SortKey::Text(one), SortKey::Text(other)) => one.cmp(other),
        (SortKey::Time(one), SortKey::Time(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

fn check_key(key: &SortKey, field: SortField) -> Result<(), StorageError> {
    let fits = match field {
        SortField::CreatedAt | SortField::UpdatedAt => matches!(key, SortKey::Time(_)),
        SortField::DueAt => matches!(key, SortKey::Time(_) | SortKey::Null),
        SortField::Priority => matches!(key, SortKey::Integer(_)),
        SortField::Title => matches!(key, SortKey::Text(_)),
    };
    if fits { Ok(()) } else { Err(StorageError::Internal("the cursor was made for a list in another order".into())) }
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::{IdGenerator as _, PageLimit, SystemIds};

    use super::*;

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let by_time = TaskSort::default();
        for (key, is_fine) in [(SortKey::Time(chrono::DateTime::UNIX_EPOCH), true), (SortKey::Integer(3), false)] {
            let cursor = Cursor { key, id: SystemIds.next_id() };
            let page = PageRequest::After { cursor, limit: PageLimit::default() };
            let outcome = page_of([].iter(), Visibility::All, &TaskFilter::default(), by_time, &page);
            assert_eq!(outcome.is_ok(), is_fine);
        }
    }
}
