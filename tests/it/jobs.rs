//! The queue and its runner, on both engines.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use retex::{
    app::App,
    error::{Error, Result},
    ids::{DepositId, JobId},
    jobs::{Job, Runner, Task, sweep},
    store::jobs::{JobCounts, NewJob},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ground::{Ground, on_both_engines};

on_both_engines!(
    two_claimers_never_get_the_same_job,
    a_job_that_waits_is_not_asked_for_twice,
    a_lease_that_ended_is_taken_over,
    a_failed_job_is_tried_again_later_and_then_given_up,
    what_cannot_be_mended_is_not_tried_again,
    a_panic_is_a_failure,
    a_job_whose_process_dies_again_and_again_is_given_up,
    a_commit_wakes_the_workers,
    a_stop_gives_jobs_back,
    a_lost_lease_cuts_the_run_short,
    the_next_sweep_is_asked_for_once,
);

fn check(n: u128) -> Job {
    Job::CheckDeposit { deposit: DepositId(Uuid::from_u128(n)) }
}

async fn add(ground: &Ground, job: &Job) -> bool {
    let mut tx = ground.app.store.begin().await.unwrap();
    let added = tx.enqueue(&ground.app.clock, job).await.unwrap();
    tx.commit().await.unwrap();
    // Jobs of one instant have no order.
    ground.app.clock.advance(TimeDelta::milliseconds(1));
    added
}

/// A runner that notes what is given up.
#[expect(clippy::type_complexity, reason = "a closure's type cannot be named")]
fn runner<R, F>(
    ground: &Ground,
    run: R,
) -> (Runner<R, impl Fn(App, Job, Error) -> std::future::Ready<Result<()>> + Clone + use<R, F>>, Arc<Mutex<Vec<Job>>>)
where
    R: Fn(App, Task) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let given_up = Arc::new(Mutex::new(Vec::new()));
    let note = given_up.clone();
    let give_up = move |_: App, job: Job, _: Error| {
        note.lock().unwrap().push(job);
        std::future::ready(Ok(()))
    };
    (Runner::new(ground.app.clone(), run, give_up), given_up)
}

async fn two_claimers_never_get_the_same_job(ground: &Ground) {
    let store = &ground.app.store;
    for n in 0..40 {
        add(ground, &check(n)).await;
    }
    let now = ground.app.clock.now();
    let claims = futures::future::join_all((0..8).map(|worker| async move {
        let mut mine = Vec::new();
        while let Some(job) = store.claim_job(&format!("w{worker}"), now, now + TimeDelta::seconds(60)).await.unwrap() {
            mine.push(job.id);
        }
        mine
    }))
    .await;
    let mut times: BTreeMap<JobId, u32> = BTreeMap::new();
    for id in claims.concat() {
        *times.entry(id).or_default() += 1;
    }
    assert_eq!(times.len(), 40);
    assert!(times.values().all(|n| *n == 1));
    assert_eq!(store.job_counts().await.unwrap(), JobCounts { waiting: 0, running: 40, failed: 0 });
}

async fn a_job_that_waits_is_not_asked_for_twice(ground: &Ground) {
    assert!(add(ground, &check(1)).await);
    assert!(!add(ground, &check(1)).await);
    assert!(add(ground, &check(2)).await);
    let now = ground.app.clock.now();
    let job = ground.app.store.claim_job("w", now, now + TimeDelta::seconds(60)).await.unwrap().unwrap();
    assert_eq!(job.payload, r#"{"kind":"check_deposit","deposit":"00000000-0000-0000-0000-000000000001"}"#);
    // It runs, and may have read what was there before: asking again is heard.
    assert!(add(ground, &check(1)).await);
    assert!(ground.app.store.finish_job(&job, now).await.unwrap());
    assert_eq!(ground.app.store.job_counts().await.unwrap().waiting, 2);
    ground.app.store.sweep_jobs(now + TimeDelta::seconds(1)).await.unwrap();
    assert_eq!(ground.app.store.job(job.id).await.unwrap(), None);
}

async fn a_lease_that_ended_is_taken_over(ground: &Ground) {
    let store = &ground.app.store;
    add(ground, &check(1)).await;
    let now = ground.app.clock.now();
    let minute = TimeDelta::seconds(60);
    let first = store.claim_job("first", now, now + minute).await.unwrap().unwrap();
    assert_eq!(store.claim_job("second", now + minute - TimeDelta::microseconds(1), now).await.unwrap(), None);
    assert!(store.extend_job(&first, now + minute * 2).await.unwrap());
    assert_eq!(store.claim_job("second", now + minute, now).await.unwrap(), None);
    let second = store.claim_job("second", now + minute * 2, now + minute * 3).await.unwrap().unwrap();
    assert_eq!((second.id, second.attempts), (first.id, 2));
    // The first comes back from its sleep: it has no say any more.
    assert!(!store.extend_job(&first, now + minute * 9).await.unwrap());
    assert!(!store.finish_job(&first, now).await.unwrap());
    assert!(!store.fail_job(&first, "x", None, now).await.unwrap());
    store.release_job(&first).await.unwrap();
    assert!(store.finish_job(&second, now).await.unwrap());
    assert_eq!(store.next_job_at().await.unwrap(), None);
}

async fn a_failed_job_is_tried_again_later_and_then_given_up(ground: &Ground) {
    add(ground, &check(1)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let (runner, given_up) = runner(ground, move |_, task: Task| {
        note.lock().unwrap().push(task.attempt);
        async { Err(Error::internal("the disk is full")) }
    });
    for (attempt, wait) in [(1, 10), (2, 20), (3, 40), (4, 80)] {
        assert_eq!(runner.run_due().await.unwrap(), 1, "attempt {attempt}");
        let due = ground.app.store.next_job_at().await.unwrap().unwrap();
        assert_eq!((due - ground.app.clock.now()).num_seconds(), wait);
        ground.app.clock.advance(TimeDelta::seconds(wait) - TimeDelta::microseconds(1));
        assert_eq!(runner.run_due().await.unwrap(), 0);
        ground.app.clock.advance(TimeDelta::microseconds(1));
    }
    assert!(given_up.lock().unwrap().is_empty());
    assert_eq!(runner.run_due().await.unwrap(), 1);
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3, 4, 5]);
    assert_eq!(*given_up.lock().unwrap(), [check(1)]);
    ground.app.clock.advance(TimeDelta::days(1));
    assert_eq!(runner.run_due().await.unwrap(), 0);
    let failed = ground.app.store.failed_jobs(10).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].error.as_deref().unwrap().ends_with("(the disk is full)"), "{failed:?}");
}

async fn what_cannot_be_mended_is_not_tried_again(ground: &Ground) {
    add(ground, &check(1)).await;
    let (runner, given_up) =
        runner(ground, |_, _| async { Err(Error::invalid("convention", "La convention n'a plus ce jeu de données.")) });
    assert_eq!(runner.run_due().await.unwrap(), 1);
    assert_eq!(*given_up.lock().unwrap(), [check(1)]);
    assert_eq!(ground.app.store.job_counts().await.unwrap(), JobCounts { waiting: 0, running: 0, failed: 1 });
}

async fn a_panic_is_a_failure(ground: &Ground) {
    add(ground, &check(1)).await;
    add(ground, &check(2)).await;
    let (runner, given_up) = runner(ground, |_, task: Task| async move {
        assert!(task.job != check(1), "a defect");
        Ok(())
    });
    assert_eq!(runner.run_due().await.unwrap(), 2);
    assert_eq!(ground.app.store.job_counts().await.unwrap(), JobCounts { waiting: 1, running: 0, failed: 0 });
    assert!(given_up.lock().unwrap().is_empty());
}

async fn a_job_whose_process_dies_again_and_again_is_given_up(ground: &Ground) {
    add(ground, &check(1)).await;
    let store = &ground.app.store;
    for _ in 0..5 {
        let now = ground.app.clock.now();
        store.claim_job("killed", now, now + TimeDelta::seconds(60)).await.unwrap().unwrap();
        ground.app.clock.advance(TimeDelta::seconds(60));
    }
    let (runner, given_up) = runner(ground, |_, _| async { unreachable!("it has no tries left") });
    assert_eq!(runner.run_due().await.unwrap(), 1);
    assert_eq!(*given_up.lock().unwrap(), [check(1)]);
    // Nor does what an older version left unreadable stop the queue.
    let id = JobId(ground.app.clock.id());
    let now = ground.app.clock.now();
    let odd =
        NewJob { id, kind: "old".to_owned(), payload: "{}".to_owned(), unique_key: None, run_at: now, max_attempts: 1, created_at: now };
    let mut tx = store.begin().await.unwrap();
    tx.insert_job(&odd).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(runner.run_due().await.unwrap(), 1);
    assert!(store.job(id).await.unwrap().unwrap().failed_at.is_some());
}

async fn a_commit_wakes_the_workers(ground: &Ground) {
    let (done, mut finished) = mpsc::unbounded_channel();
    let (mut runner, _) = runner(ground, move |_, task: Task| {
        let done = done.clone();
        async move {
            done.send(task.job).unwrap();
            Ok(())
        }
    });
    // Without the wake-up the test would end by its timeout.
    runner.poll = Duration::from_secs(3600);
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    for n in 0..10 {
        add(ground, &check(n)).await;
        let job = tokio::time::timeout(Duration::from_secs(30), finished.recv()).await.unwrap().unwrap();
        assert_eq!(job, check(n));
    }
    stop.cancel();
    running.await.unwrap();
    assert_eq!(ground.app.store.job_counts().await.unwrap(), JobCounts::default());
}

async fn a_stop_gives_jobs_back(ground: &Ground) {
    add(ground, &check(1)).await;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let (runner, _) = runner(ground, move |_, _| {
        let begun = begun.clone();
        async move {
            begun.send(()).unwrap();
            std::future::pending().await
        }
    });
    // More stops than tries: they do not count.
    for _ in 0..7 {
        let stop = CancellationToken::new();
        let running = tokio::spawn(runner.clone().run(stop.clone()));
        tokio::time::timeout(Duration::from_secs(30), begins.recv()).await.unwrap().unwrap();
        stop.cancel();
        running.await.unwrap();
        assert_eq!(ground.app.store.job_counts().await.unwrap(), JobCounts { waiting: 1, running: 0, failed: 0 });
    }
}

async fn a_lost_lease_cuts_the_run_short(ground: &Ground) {
    add(ground, &check(1)).await;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let (mut runner, _) = runner(ground, move |_, _| {
        let begun = begun.clone();
        async move {
            begun.send(()).unwrap();
            std::future::pending().await
        }
    });
    runner.heartbeat = Duration::from_millis(10);
    let running = tokio::spawn(async move { runner.run_due().await });
    begins.recv().await.unwrap();
    ground.app.clock.advance(TimeDelta::seconds(120));
    // The heartbeat may save the lease before another worker asks; a taker from the future always comes in time.
    let later = ground.app.clock.now() + TimeDelta::days(1);
    ground.app.store.claim_job("other", later, later + TimeDelta::seconds(60)).await.unwrap().unwrap();
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), running).await.unwrap().unwrap().unwrap(), 1);
    assert_eq!(ground.app.store.job_counts().await.unwrap().running, 1);
}

async fn the_next_sweep_is_asked_for_once(ground: &Ground) {
    for _ in 0..2 {
        sweep::schedule(&ground.app).await.unwrap();
    }
    assert_eq!(ground.app.store.job_counts().await.unwrap().waiting, 1);
    let (runner, _) = runner(ground, |app, task: Task| async move {
        assert_eq!(task.job, Job::Sweep);
        sweep::run(&app).await
    });
    assert_eq!(runner.run_due().await.unwrap(), 0);
    ground.app.clock.advance(TimeDelta::days(1));
    assert_eq!(runner.run_due().await.unwrap(), 1);
    assert_eq!(ground.app.store.job_counts().await.unwrap().waiting, 1);
}
