//! Cases of a past that is kept, and of those who read it.

use thingflow_core::history::{History, Keeper, Kept, Key, NoEvent, OutOfOrder, Past, Reader, Span, TooFew, Uncovered};
use thingflow_core::prelude::*;

type Item = (i64, String);

/// An item of the counter source.
fn item(key: i64) -> Item {
    (key, format!("s{key}"))
}

fn push(keeper: &mut Keeper<Item, i64>, keys: impl IntoIterator<Item = i64>) {
    for key in keys {
        keeper.push(item(key), Instant::ZERO, Timestamp::UNIX_EPOCH).expect("keys rise");
    }
}

/// A history of the last `n` items that has these.
fn filled(n: usize, keys: impl IntoIterator<Item = i64>) -> (History<Item, i64>, Keeper<Item, i64>, Reader<Item, i64>) {
    let history = History::keyed(Limit::drop_oldest(n), |item: &Item| item.0, OutOfOrder::Refuse);
    let (mut keeper, reader) = (history.keeper(), history.reader());
    push(&mut keeper, keys);
    (history, keeper, reader)
}

fn key<E>(kept: Result<Kept<Item>, E>) -> Result<i64, E> {
    kept.map(|kept| kept.event.0)
}

fn keys(kept: &[Kept<Item>]) -> Vec<i64> {
    kept.iter().map(|kept| kept.event.0).collect()
}

#[test]
fn case_231_walking_a_buffer() {
    let (_history, _keeper, mut reader) = filled(100, 0..100);
    assert_eq!(reader.last(), None);
    assert_eq!(reader.try_next().unwrap().event, item(0));
    assert_eq!(reader.last_key(), Some(&0));
    assert_eq!(reader.peek(|reader| key(reader.try_next())), Ok(1));
    assert_eq!(reader.last().unwrap().event, item(0));
    assert_eq!(key(reader.try_next()), Ok(1));
    assert_eq!(reader.last().unwrap().event, item(1));
}

#[test]
fn case_232_range_by_key() {
    let (_history, _keeper, mut reader) = filled(100, 0..100);
    assert_eq!(keys(&reader.range(Key(5)..=Key(10)).unwrap()), [5, 6, 7, 8, 9, 10]);
    assert_eq!(reader.last_key(), Some(&10));
}

#[test]
fn case_233_range_with_step() {
    let (_history, _keeper, mut reader) = filled(100, 0..100);
    let span = Span::of(Key(5)..=Key(10)).step_by(3);
    assert_eq!(keys(&reader.range(span).unwrap()), [5, 8]);
    assert_eq!(reader.last_key(), Some(&8));
}

#[test]
fn case_234_peeking_at_a_range() {
    let (_history, _keeper, mut reader) = filled(100, 0..100);
    reader.range(Span::of(Key(5)..=Key(10)).step_by(3)).unwrap();
    let seen = reader.peek(|reader| reader.range(Key(10)..=Key(15))).unwrap();
    assert_eq!(keys(&seen), [10, 11, 12, 13, 14, 15]);
    assert_eq!(reader.last_key(), Some(&8));
}

#[test]
fn case_235_new_items_only() {
    let (_history, _keeper, mut reader) = filled(100, 0..100);
    reader.range(Key(8)..=Key(8)).unwrap();
    assert_eq!(keys(&reader.range_new(Key(0)..=Key(9)).unwrap()), [9]);
}

#[test]
fn case_236_head_and_tail() {
    let (_history, _keeper, mut reader) = filled(100, 0..100);
    reader.range(Key(8)..=Key(9)).unwrap();
    assert_eq!(reader.earliest().unwrap().event, item(0));
    assert_eq!(reader.last_key(), Some(&0));
    assert_eq!(reader.latest().unwrap().event, item(99));
    assert_eq!(reader.last_key(), Some(&99));
    assert_eq!(reader.missed(), 0);
}

#[test]
fn case_237_stopped_is_visible() {
    let (_history, keeper, reader) = filled(100, 0..100);
    assert!(!reader.is_ended());
    drop(keeper);
    assert!(reader.is_ended());
}

#[test]
fn case_238_new_items_only_none_left() {
    let (_history, _keeper, mut reader) = filled(100, 0..10);
    reader.range(Key(9)..=Key(9)).unwrap();
    assert_eq!(keys(&reader.range_new(Key(0)..=Key(9)).unwrap()), []);
    assert_eq!(key(reader.try_next()), Err(NoEvent::NotYet));
    assert_eq!(reader.last_key(), Some(&9));
}

#[test]
fn case_239_range_rounds_inwards() {
    let (history, _keeper, mut reader) = filled(100, [0, 10, 20, 30]);
    assert_eq!(keys(&reader.range(Key(9)..=Key(20)).unwrap()), [10, 20]);
    assert_eq!(keys(&history.range(Key(9)..=Key(20)).unwrap()), [10, 20]);
    assert_eq!(keys(&history.range(Key(10)..Key(20)).unwrap()), [10]);
}

#[test]
fn case_240_range_rounds_the_start_down() {
    let (_history, _keeper, mut reader) = filled(100, [0, 10, 20, 30]);
    let mut range = |from, to| keys(&reader.range(Span::of(Key(from)..=Key(to)).covering_start()).unwrap());
    assert_eq!(range(9, 20), [0, 10, 20]);
    assert_eq!(range(-5, 15), [0, 10]);
}

#[test]
fn case_241_range_rounds_the_stop_up() {
    let (_history, _keeper, mut reader) = filled(100, [0, 10, 20, 30]);
    let mut range = |to| reader.range(Span::of(Key(9)..=Key(to)).covering_end());
    assert_eq!(keys(&range(25).unwrap()), [10, 20, 30]);
    assert_eq!(range(35), Err(Uncovered));
    assert_eq!(keys(&range(35).unwrap_or_default()), []);
    assert_eq!(reader.last_key(), Some(&30)); // where the first range has left it
}

#[test]
fn case_242_empty_range() {
    let (_history, _keeper, mut reader) = filled(100, [0, 10, 20, 30]);
    reader.try_next().unwrap();
    assert_eq!(keys(&reader.range(Key(11)..=Key(19)).unwrap()), []);
    assert_eq!(keys(&reader.peek(|reader| reader.range(Key(11)..=Key(19))).unwrap()), []);
    assert_eq!(reader.last_key(), Some(&0));
}

#[test]
fn case_243_several_at_once() {
    let (_history, _keeper, mut reader) = filled(100, [0, 10, 20, 30]);
    assert_eq!(keys(&reader.next_n(2)), [0, 10]);
    assert_eq!(keys(&reader.next_n(3)), [20, 30]);
    assert_eq!(key(reader.try_next()), Err(NoEvent::NotYet));
    assert_eq!(keys(&reader.next_n(1)), []);
}

#[test]
fn case_244_strict_number() {
    let (history, _keeper, mut reader) = filled(100, [0, 10, 20, 30]);
    assert_eq!(keys(&reader.next_exactly(4).unwrap()), [0, 10, 20, 30]);
    let mut fresh = history.reader();
    assert_eq!(keys(&fresh.next_exactly(3).unwrap()), [0, 10, 20]);
    let Err(TooFew { wanted: 2, there: 1, ended: false, .. }) = fresh.next_exactly(2) else {
        panic!("only one is left")
    };
    assert_eq!(key(fresh.try_next()), Ok(30)); // the cursor has stayed
    assert!(fresh.next_exactly(1).is_err());
}

#[test]
fn case_245_empty_buffer() {
    let (_history, _keeper, mut reader) = filled(100, []);
    assert_eq!(key(reader.try_next()), Err(NoEvent::NotYet));
    assert_eq!(key(reader.earliest()), Err(NoEvent::NotYet));
    assert_eq!(key(reader.latest()), Err(NoEvent::NotYet));
    assert_eq!(keys(&reader.range(Key(0)..=Key(5)).unwrap()), []);
    assert_eq!(reader.last_key(), None);
}

#[test]
fn case_246_tail_new_only() {
    let (_history, mut keeper, mut reader) = filled(100, [0, 10, 20]);
    assert_eq!(reader.peek(|reader| key(reader.latest())), Ok(20));
    assert_eq!(reader.last_key(), None);
    assert_eq!(key(reader.latest()), Ok(20));
    assert_eq!(key(reader.latest_new()), Err(NoEvent::NotYet));
    push(&mut keeper, [30]);
    assert_eq!(key(reader.latest_new()), Ok(30));
    assert_eq!(key(reader.try_next()), Err(NoEvent::NotYet));
}

#[test]
fn case_247_falling_behind() {
    let (_history, mut keeper, mut reader) = filled(3, [0, 1, 2]);
    assert_eq!(key(reader.try_next()), Ok(0));
    push(&mut keeper, [3, 4, 5, 6]);
    let next: Vec<_> = (0..3).map(|_| key(reader.try_next())).collect();
    assert_eq!(next, [Ok(4), Ok(5), Ok(6)]);
    assert_eq!(key(reader.try_next()), Err(NoEvent::NotYet));
    assert_eq!(reader.missed(), 3);
}

#[test]
fn case_248_next_on_a_live_and_on_a_stopped_session() {
    let (_history, mut keeper, mut reader) = filled(100, [0, 1]);
    assert_eq!((key(reader.try_next()), key(reader.try_next())), (Ok(0), Ok(1)));
    assert_eq!(key(reader.try_next()), Err(NoEvent::NotYet));
    push(&mut keeper, [2, 3]);
    drop(keeper);
    assert_eq!((key(reader.try_next()), key(reader.try_next())), (Ok(2), Ok(3)));
    assert_eq!(key(reader.try_next()), Err(NoEvent::Ended));
    assert_eq!(key(reader.try_next()).unwrap_or(-1), -1);
}

#[test]
fn case_249_loop_over_a_stopped_session() {
    let (history, keeper, _) = filled(100, 0..10);
    drop(keeper);
    let read: Vec<_> = history.reader().wait_for_each().map(|kept| kept.event.0).collect();
    assert_eq!(read, (0..10).collect::<Vec<_>>());
}
