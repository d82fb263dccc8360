//! All ways in which the reactor and a thread that it feeds can follow each other, by loom: `cargo xtask model`.

use loom::thread;

use super::super::inbox::model::Bed;
use super::*;

/// Waits as the reactor does until somebody has rung.
fn wait_for_ring(bed: &Bed, bell: &Doorbell) {
    let mut ready = Vec::new();
    if bell.prepare_sleep() {
        bed.sleep();
    }
    bell.awake();
    bell.take_ready(&mut ready);
}

fn check(preemptions: usize, model: impl Fn(Arc<Bed>, Arc<Doorbell>) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let bed = Arc::new(Bed::default());
        model(bed.clone(), Arc::new(Doorbell::new(bed)));
    });
}

#[test]
fn virtual_time_hears_that_a_thread_rests_and_no_job_is_lost() {
    check(3, |bed, bell| {
        let outbox = Outbox::of(bell.clone(), Limit::block(1), Id::of(0), true);
        let jobs = outbox.clone();
        let worker = thread::spawn(move || {
            let mut seen = Vec::new();
            while let Next::Job(job) = jobs.next(Instant::NEVER, |_| Instant::ZERO) {
                seen.push(job);
            }
            seen
        });
        for job in [1, 2] {
            outbox.give(job);
            while outbox.is_busy() {
                wait_for_ring(&bed, &bell);
                outbox.listen();
            }
        }
        outbox.end(Instant::ZERO, End::Dropped);
        assert_eq!(worker.join().expect("no panic"), [1, 2]);
    });
}

#[test]
fn a_thread_that_sleeps_is_called_for_each_job_that_nobody_has_seen() {
    check(2, |_, bell| {
        let outbox = Outbox::of(bell, Limit::block(8), Id::NOBODY, false);
        let work = |jobs: Arc<Outbox<u32>>| while let Next::Job(_) = jobs.next(Instant::NEVER, |_| Instant::ZERO) {};
        let workers = [0, 1].map(|_| {
            let jobs = outbox.clone();
            thread::spawn(move || work(jobs))
        });
        outbox.give(1);
        outbox.give(2);
        while outbox.stats().delivered < 2 {
            thread::yield_now(); // the end would wake everybody
        }
        outbox.end(Instant::ZERO, End::Dropped);
        workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
    });
}

#[test]
fn what_a_thread_leaves_to_the_reactor_is_decided_and_it_goes_on() {
    check(3, |bed, bell| {
        let outbox = Outbox::of(bell.clone(), Limit::block(8), Id::of(0), true);
        let refused = Arc::new(Mutex::new(None));
        let (jobs, told) = (outbox.clone(), refused.clone());
        outbox.give(1);
        outbox.give(2);
        outbox.end(Instant::ZERO, End::Completed);
        let worker = thread::spawn(move || {
            let mut batch = VecDeque::new();
            while jobs.next_batch(1, &mut batch, &mut None) {
                let job = batch.pop_front();
                jobs.dead();
                assert!(jobs.hold(true));
                *lock(&told) = job;
                jobs.announce();
            }
            jobs.leave();
        });
        let mut dead = Vec::new();
        loop {
            let gone = outbox.listen();
            if let Some(job) = lock(&refused).take() {
                dead.push(job);
                outbox.go_on();
            }
            if gone {
                break;
            }
            wait_for_ring(&bed, &bell);
        }
        assert_eq!(dead, [1, 2]);
        assert_eq!(outbox.stats().dead, 2);
        worker.join().expect("no panic");
    });
}
