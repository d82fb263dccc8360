//! One thread shows each rule; four threads show that they hold together. A lost wake-up fails, it does not hang.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::*;

const NEVER_THAT_LONG: Duration = Duration::from_secs(60);

impl Wake for Thread {
    fn wake(&self) {
        self.unpark();
    }
}

/// Counts the system calls that a real one would make.
impl Wake for Arc<AtomicUsize> {
    fn wake(&self) {
        self.fetch_add(1, Ordering::Relaxed);
    }
}

fn doorbell() -> (Arc<Doorbell>, Arc<AtomicUsize>) {
    let wakes = Arc::new(AtomicUsize::new(0));
    (Arc::new(Doorbell::new(Arc::clone(&wakes))), wakes)
}

fn queue<T: Send>(capacity: usize, policy: Overflow) -> (Sender<T>, Inbox<T>) {
    channel(&Limit::new(capacity, policy), doorbell().0, Id::of(0))
}

fn ready(doorbell: &Doorbell) -> Vec<Id> {
    let mut ready = vec![Id::of(99)];
    doorbell.take_ready(&mut ready);
    ready
}

/// What one drain dispatches, stopping after `stop_at`, and what is left.
fn drain_until(inbox: &mut Inbox<u32>, limit: usize, stop_at: u32) -> (Vec<u32>, Left) {
    let mut seen = Vec::new();
    let left = inbox.drain(limit, |arrival| {
        let Arrival::Next(event) = arrival else { return ControlFlow::Continue(()) };
        seen.push(event);
        if event == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (seen, left)
}

fn drain(inbox: &mut Inbox<u32>) -> Vec<u32> {
    drain_until(inbox, usize::MAX, u32::MAX).0
}

/// Posts 1 to 5 into a queue of three: which posts are refused, what arrives, how many are dropped.
#[track_caller]
fn check_overflow(policy: Overflow, refused: &[u32], arrives: &[u32], dropped: u64) {
    let (sender, mut inbox) = queue(3, policy);
    let full: Vec<u32> = (1..=5).filter_map(|n| sender.post(n).err().map(PostError::into_event)).collect();
    assert_eq!(full, refused);
    assert_eq!(drain(&mut inbox), arrives);
    let posted = 5 - refused.len() as u64;
    assert_eq!(sender.stats(), QueueStats { posted, dropped, high_water: 3 });
    assert_eq!(inbox.shared.stats(), sender.stats());
}

#[test]
fn each_policy_says_which_events_survive() {
    check_overflow(Overflow::DropOldest, &[], &[3, 4, 5], 2);
    check_overflow(Overflow::DropNewest, &[], &[1, 2, 3], 2);
    check_overflow(Overflow::Fail, &[4, 5], &[1, 2, 3], 0);
}

#[test]
fn block_refuses_on_the_reactors_thread_instead_of_hanging_it() {
    check_overflow(Overflow::Block, &[4, 5], &[1, 2, 3], 0);
}

#[test]
fn a_stopped_batch_keeps_the_rest_and_its_order() {
    let (sender, mut inbox) = queue(4, Overflow::Fail);
    (1..=4).for_each(|n| sender.post(n).unwrap());
    assert_eq!(drain_until(&mut inbox, 9, 2), (vec![1, 2], Left::Some));
    (5..=8).for_each(|n| sender.post(n).unwrap());
    assert_eq!(sender.post(9), Err(PostError::Full(9)), "a queue and a batch, and no more");
    assert_eq!(drain_until(&mut inbox, 3, 9), (vec![3, 4, 5], Left::Some));
    assert_eq!(drain_until(&mut inbox, 3, 8), (vec![6, 7, 8], Left::Some));
    assert_eq!(drain_until(&mut inbox, 3, 9), (vec![], Left::Nothing));
}

#[test]
fn an_announcement_taken_while_downstream_was_full_is_not_needed_again() {
    let (doorbell, _) = doorbell();
    let (sender, mut inbox) = channel(&Limit::new(1, Overflow::Fail), Arc::clone(&doorbell), Id::of(0));
    sender.post(1).unwrap();
    assert_eq!(drain_until(&mut inbox, 9, 1), (vec![1], Left::Some));
    sender.post(2).unwrap();
    ready(&doorbell); // and forgotten: the inbox is paused
    assert_eq!(drain_until(&mut inbox, 9, 9), (vec![2], Left::Nothing));
    sender.post(3).unwrap();
    assert_eq!(ready(&doorbell), [Id::of(0)]);
}

#[test]
fn only_inboxes_with_events_are_announced_and_once() {
    let (doorbell, wakes) = doorbell();
    let mut ends: Vec<_> =
        (0..3).map(|n| channel(&Limit::new(4, Overflow::Block), Arc::clone(&doorbell), Id::of(n))).collect();
    (1..=2).for_each(|n| ends[2].0.post(n).unwrap());
    ends[0].0.post(3).unwrap();
    assert_eq!(ready(&doorbell), [Id::of(2), Id::of(0)]);
    assert_eq!(ready(&doorbell), []);
    assert_eq!(drain(&mut ends[2].1), [1, 2]);
    ends[2].0.post(4).unwrap();
    assert_eq!(ready(&doorbell), [Id::of(2)]);
    assert_eq!(wakes.load(Ordering::Relaxed), 0, "the reactor was awake");
}

#[test]
fn only_the_first_post_wakes_and_only_a_sleeper() {
    let (doorbell, wakes) = doorbell();
    let (sender, mut inbox) = channel(&Limit::new(4, Overflow::Block), Arc::clone(&doorbell), Id::of(0));
    assert!(doorbell.prepare_sleep());
    (1..=2).for_each(|n| sender.post(n).unwrap());
    assert_eq!(wakes.load(Ordering::Relaxed), 1);
    assert!(!doorbell.prepare_sleep(), "there are events");
    assert_eq!((ready(&doorbell).len(), drain(&mut inbox)), (1, vec![1, 2]));
    assert!(doorbell.prepare_sleep());
    doorbell.awake();
    sender.post(3).unwrap();
    assert_eq!(wakes.load(Ordering::Relaxed), 1);
}

#[test]
fn the_last_sender_to_go_ends_the_inbox_and_wakes_the_reactor() {
    let (doorbell, wakes) = doorbell();
    let (sender, mut inbox) = channel(&Limit::new(1, Overflow::Block), Arc::clone(&doorbell), Id::of(7));
    let other = sender.clone();
    other.post(1).unwrap();
    drop(other);
    assert_eq!(ready(&doorbell), [Id::of(7)]);
    assert_eq!(drain_until(&mut inbox, 9, 9), (vec![1], Left::Nothing));
    assert!(doorbell.prepare_sleep());
    drop(sender);
    assert_eq!((ready(&doorbell), wakes.load(Ordering::Relaxed)), (vec![Id::of(7)], 1));
    assert_eq!(drain_until(&mut inbox, 9, 9), (vec![], Left::Ended));
}

#[test]
fn closing_releases_posters_and_counts_what_is_lost() {
    let (sender, mut inbox) = queue(2, Overflow::Block);
    (1..=2).for_each(|n| sender.post(n).unwrap());
    assert_eq!(drain_until(&mut inbox, 1, 9), (vec![1], Left::Some));
    (3..=4).for_each(|n| sender.post(n).unwrap());
    thread::scope(|scope| {
        let post = |n| (n, sender.post(n));
        let blocked = [scope.spawn(move || post(5)), scope.spawn(move || post(6))];
        while lock(&inbox.shared.queue).waiting < 2 {
            thread::yield_now();
        }
        drop(inbox);
        for poster in blocked {
            let (n, refused) = poster.join().unwrap();
            assert_eq!(refused, Err(PostError::Closed(n)));
        }
    });
    assert_eq!(sender.post(9), Err(PostError::Closed(9)));
    assert_eq!(sender.stats(), QueueStats { posted: 4, dropped: 3, high_water: 2 });
}

/// Waits until the queue is as it should be.
#[track_caller]
fn wait_until(inbox: &Inbox<u32>, is_so: impl Fn(&Queue<u32>) -> bool) {
    let begun = Instant::now();
    while !is_so(&lock(&inbox.shared.queue)) {
        assert!(begun.elapsed() < NEVER_THAT_LONG, "it never comes to that");
        thread::yield_now();
    }
}

#[test]
fn who_waits_need_not_take_turns_while_there_is_room_for_all() {
    let (sender, inbox) = queue(16, Overflow::Block);
    (0..16).for_each(|n| sender.post(n).unwrap());
    thread::scope(|scope| {
        let mut inbox = inbox; // if this fails, those who wait are told
        for n in 0..5 {
            let sender = sender.clone();
            scope.spawn(move || sender.post(n));
        }
        wait_until(&inbox, |queue| queue.waiting == 5);
        assert_eq!(drain(&mut inbox).len(), 16);
        wait_until(&inbox, |queue| queue.waiting < 5 && !queue.called);
        drain(&mut inbox); // who was let in has posted little
        wait_until(&inbox, |queue| queue.waiting == 0);
    });
}

#[test]
fn a_dropped_events_destructor_may_use_the_queue() {
    struct PostsStats(Sender<PostsStats>);
    impl Drop for PostsStats {
        fn drop(&mut self) {
            self.0.stats();
        }
    }
    for policy in [Overflow::DropOldest, Overflow::DropNewest] {
        let (sender, inbox) = queue(1, policy);
        assert!((0..3).all(|_| sender.post(PostsStats(sender.clone())).is_ok()));
        drop(inbox);
        assert_eq!(sender.stats().dropped, 3);
    }
}

#[test]
fn a_warm_queue_does_not_allocate() {
    let (sender, mut inbox) = queue(64, Overflow::Block);
    let mut round = || {
        (0..64).for_each(|n| sender.post(n).unwrap());
        drain(&mut inbox);
        (inbox.batch.as_slices().0.as_ptr(), inbox.batch.capacity())
    };
    let warm = [round(), round()];
    for _ in 0..10 {
        assert_eq!([round(), round()], warm, "the same two buffers in turns");
    }
}

/// Runs a reactor that sleeps when there is nothing to do, pauses often, and ends when the inbox does.
fn run_reactor(doorbell: &Doorbell, inbox: &mut Inbox<(usize, u64)>, mut seen: impl FnMut(usize, u64)) {
    let (mut ready, mut left, mut count) = (Vec::new(), Left::Nothing, 0_u64);
    while left != Left::Ended {
        doorbell.take_ready(&mut ready);
        if ready.is_empty() && left == Left::Nothing {
            if doorbell.prepare_sleep() {
                let asleep = Instant::now();
                thread::park_timeout(NEVER_THAT_LONG);
                assert!(asleep.elapsed() < NEVER_THAT_LONG, "a wake-up was lost");
                doorbell.awake();
            }
            continue;
        }
        left = inbox.drain(100, |arrival| {
            let Arrival::Next((poster, event)) = arrival else { return ControlFlow::Continue(()) };
            seen(poster, event);
            count += 1;
            if count.is_multiple_of(7) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
}

/// Four threads post `each` numbers; what arrived of each in the order it did, and the counters.
fn stress(capacity: usize, policy: Overflow, each: u64) -> (Vec<Vec<u64>>, QueueStats) {
    let doorbell = Arc::new(Doorbell::new(thread::current()));
    let (sender, mut inbox) = channel(&Limit::new(capacity, policy), Arc::clone(&doorbell), Id::of(0));
    let mut arrived = vec![Vec::new(); 4];
    thread::scope(|scope| {
        for poster in 0..4 {
            let sender = sender.clone();
            scope.spawn(move || (0..each).for_each(|n| _ = sender.post((poster, n))));
        }
        drop(sender);
        run_reactor(&doorbell, &mut inbox, |poster, event| arrived[poster].push(event));
    });
    (arrived, inbox.shared.stats())
}

#[test]
fn nothing_is_lost_doubled_or_reordered_when_posters_block() {
    for capacity in [1, 2, 64] {
        let each = 500 * capacity.min(20) as u64;
        let (arrived, stats) = stress(capacity, Overflow::Block, each);
        for events in arrived {
            assert!(events.into_iter().eq(0..each), "capacity {capacity}");
        }
        assert_eq!((stats.posted, stats.dropped), (4 * each, 0));
    }
}

#[test]
fn what_is_posted_arrives_or_is_counted_as_dropped() {
    for policy in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Fail] {
        let (arrived, stats) = stress(8, policy, 5_000);
        assert!(arrived.iter().all(|events| events.is_sorted_by(|a, b| a < b)), "{policy:?} keeps the order");
        let received: usize = arrived.iter().map(Vec::len).sum();
        assert_eq!(stats.posted, stats.dropped + received as u64, "{policy:?}");
        assert!(stats.high_water <= 8);
        if policy == Overflow::Fail {
            assert_eq!(stats.dropped, 0);
        } else {
            assert_eq!(stats.posted, 20_000);
        }
    }
}
