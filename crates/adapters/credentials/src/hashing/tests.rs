use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;

fn pool(threads: usize, queue_length: usize) -> HashingPool {
    let options = HashingOptions {
        threads: NonZeroUsize::new(threads).unwrap(),
        queue_length: NonZeroUsize::new(queue_length).unwrap(),
    };
    HashingPool::start(options).unwrap()
}

/// Occupies one thread until the returned sender is dropped or used.
fn occupy(pool: &Arc<HashingPool>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel();
    let pool = Arc::clone(pool);
    tokio::spawn(async move {
        pool.run(move || {
            started.send(()).unwrap();
            let _ = released.recv();
        })
        .await
    });
    // The runtime has a second thread, which polls the task.
    has_started.recv().unwrap();
    release
}

async fn until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the condition never came true");
}

#[tokio::test]
async fn answers_from_a_thread_of_its_own() {
    let pool = pool(2, 4);
    let name = pool.run(|| thread::current().name().map(ToOwned::to_owned)).await.unwrap();
    assert!(name.unwrap().starts_with("hashing-"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_give_way_to_others() {
    // Field 19 of proc(5) stat is the niceness; the name in field 2 has no space here.
    let niceness = || {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.split(' ').nth(18).unwrap().parse::<i32>().unwrap()
    };
    let own = niceness();
    let pooled = pool(1, 1).run(niceness).await.unwrap();
    assert!(pooled >= 10 && pooled >= own, "niceness {pooled} beside {own}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_says_when_to_come_back() {
    let pool = Arc::new(pool(1, 2));
    let release = occupy(&pool);
    let waiting: Vec<_> = (0..2)
        .map(|number| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(move || number).await })
        })
        .collect();
    until(|| pool.gauges().queued == 2).await;

    let refused = pool.run(|| 0).await;
    assert_eq!(refused, Err(HashingError::Busy { retry_after_seconds: 1 }));
    assert_eq!(pool.gauges().refused, 1);

    drop(release);
    for (number, task) in waiting.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(number));
    }
    assert_eq!(pool.gauges().completed, 3);
}

#[test]
fn the_wait_follows_queue_threads_and_measured_time() {
    let options = HashingOptions { threads: NonZeroUsize::new(2).unwrap(), queue_length: NonZeroUsize::MIN };
    let shared = |queued: usize, mean| {
        let queue = (0..queued)
            .map(|_| {
                let work: Box<dyn Work> = Box::new(Job::new(|| (), oneshot::channel().0));
                work
            })
            .collect();
        let latest = VecDeque::new();
        let state = State { queue, closed: false, running: 0, completed: 0, refused: 0, mean, latest, pretended: 0 };
        Shared { options, state: Mutex::new(state), work_arrived: Condvar::new() }
    };
    let seconds = |queued, mean| {
        let shared = shared(queued, mean);
        let state = shared.lock();
        shared.seconds_to_empty(&state)
    };
    assert_eq!(seconds(40, None), 5);
    assert_eq!(seconds(41, None), 6);
    assert_eq!(seconds(40, Some(Duration::from_secs(1))), 20);
    assert_eq!(seconds(1, Some(Duration::from_millis(3))), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abandoned_work_is_skipped_and_makes_room() {
    let pool = Arc::new(pool(1, 1));
    let release = occupy(&pool);
    let runs = Arc::new(AtomicUsize::new(0));
    let abandoned = {
        let (pool, runs) = (Arc::clone(&pool), Arc::clone(&runs));
        tokio::spawn(async move { pool.run(move || runs.fetch_add(1, Ordering::SeqCst)).await })
    };
    until(|| pool.gauges().queued == 1).await;
    abandoned.abort();
    let _ = abandoned.await;

    let next = {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { pool.run(|| "ran").await })
    };
    until(|| next.is_finished() || pool.gauges().queued == 1).await;
    drop(release);
    assert_eq!(next.await.unwrap(), Ok("ran"));
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_panic_costs_no_thread() {
    let pool = pool(1, 4);
    let failed: Result<(), _> = pool.run(|| panic!("on purpose")).await;
    assert_eq!(failed, Err(HashingError::Failed));
    assert_eq!(pool.run(|| 7).await, Ok(7));
    assert_eq!(pool.gauges().running, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_pool_answers_what_was_queued() {
    let pool = Arc::new(pool(1, 1));
    let release = occupy(&pool);
    let (answer, answered) = oneshot::channel();
    pool.shared.enqueue(Box::new(Job::new(|| 1, answer))).unwrap();
    // As dropping does; the task that occupies the thread holds the pool too.
    pool.shared.close();
    assert!(answered.await.is_err());
    drop(release);
}
