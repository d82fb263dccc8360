//! A history against all that has ever come to it, in a list.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::history::{Bounds, History, Kept, Key, Number, OutOfOrder, Past, Reader, Span, Why};
use thingflow_core::prelude::*;

/// An event with its key.
type Event = (i8, u32);

/// What may happen to a history and its reader.
#[derive(Clone, Debug)]
enum Step {
    Push { key: i8, secs: u64 },
    Next(usize),
    Exactly(usize),
    AllNew,
    Earliest,
    Latest,
    LatestNew,
    Seek(i8),
    Range { by_key: bool, from: i8, to: i8, step: usize, covering: bool, new: bool },
    Discard(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (-9..10i8, 0..4u64).prop_map(|(key, secs)| Step::Push { key, secs }),
        2 => (0..4usize).prop_map(Step::Next),
        1 => (1..4usize).prop_map(Step::Exactly),
        1 => Just(Step::AllNew),
        1 => Just(Step::Earliest),
        1 => Just(Step::Latest),
        1 => Just(Step::LatestNew),
        1 => (-9..10i8).prop_map(Step::Seek),
        3 => (any::<bool>(), -9..30i8, -9..30i8, 1..4usize, any::<bool>(), any::<bool>())
            .prop_map(|(by_key, from, to, step, covering, new)| Step::Range { by_key, from, to, step, covering, new }),
        1 => (0..3usize).prop_map(Step::Discard),
    ]
}

/// What has come, in order of keys, and how many of these have gone from the front.
struct Model {
    order: OutOfOrder,
    distinct: bool,
    capacity: usize,
    bytes: usize,
    age: u64,
    now: u64,
    /// Key, number, second, event.
    kept: Vec<(i8, u64, u64, Event)>,
    gone: u64,
    next: u64,
    cursor: Option<(i8, u64)>,
    rank: u64,
    missed: u64,
}

impl Model {
    fn drop_first(&mut self, n: usize) {
        self.kept.drain(..n);
        self.gone += n as u64;
    }

    fn push(&mut self, key: i8, event: Event) -> Result<Option<u64>, Why> {
        let (now, age) = (self.now, self.age);
        let over = self.kept.iter().rposition(|kept| now - kept.2 > age).map_or(0, |last| last + 1);
        self.drop_first(over);
        let goes_back = self.kept.last().is_some_and(|last| last.0 > key) && self.order != OutOfOrder::Sort;
        let again = self.distinct && self.kept.iter().any(|kept| kept.0 == key);
        if goes_back || again {
            return if self.order == OutOfOrder::Refuse { Err(Why::OutOfOrder) } else { Ok(None) };
        }
        if size(&event) > self.bytes {
            return Err(Why::TooLarge);
        }
        while self.kept.len() == self.capacity || self.sum() + size(&event) > self.bytes {
            self.drop_first(1);
        }
        let number = self.next;
        self.next += 1;
        let at = self.kept.iter().position(|kept| kept.0 > key).unwrap_or(self.kept.len());
        self.kept.insert(at, (key, number, self.now, event));
        Ok(Some(number))
    }

    fn sum(&self) -> usize {
        self.kept.iter().map(|kept| size(&kept.3)).sum()
    }

    fn first_new(&self) -> usize {
        self.kept.iter().filter(|kept| self.cursor.is_some_and(|cursor| (kept.0, kept.1) <= cursor)).count()
    }

    fn missed(&self) -> u64 {
        self.missed + (self.gone + self.first_new() as u64).saturating_sub(self.rank)
    }

    fn stand(&mut self, index: usize) {
        self.missed = self.missed();
        self.cursor = index.checked_sub(1).map(|last| (self.kept[last].0, self.kept[last].1)).or(self.cursor);
        self.rank = self.gone + index as u64;
    }

    fn read_on(&mut self, n: usize) -> Vec<u64> {
        if n == 0 {
            return Vec::new();
        }
        let first = self.first_new();
        let end = self.kept.len().min(first + n);
        if end > first {
            self.stand(end);
        }
        self.kept[first..end].iter().map(|kept| kept.1).collect()
    }

    fn range(
        &mut self,
        place: impl Fn(&(i8, u64, u64, Event)) -> i64,
        span: (i64, i64),
        step: &Step,
    ) -> Option<Vec<u64>> {
        let Step::Range { step, covering, new, .. } = *step else { unreachable!("a range") };
        let (mut from, mut to) = span;
        if covering {
            from = self.kept.iter().map(&place).filter(|place| *place <= from).max().unwrap_or(from);
            to = self.kept.iter().map(&place).filter(|place| *place >= to).min()?;
        }
        let first = if new { self.first_new() } else { 0 };
        let found = (first..self.kept.len()).filter(|index| (from..=to).contains(&place(&self.kept[*index])));
        let found: Vec<_> = found.step_by(step).collect();
        if let Some(last) = found.last() {
            self.stand(last + 1);
        }
        Some(found.iter().map(|index| self.kept[*index].1).collect())
    }
}

fn size(event: &Event) -> usize {
    event.1 as usize % 5
}

fn numbers<T>(kept: &[Kept<T>]) -> Vec<u64> {
    kept.iter().map(|kept| kept.number).collect()
}

fn check(model: &mut Model, history: &History<Event, i8>, reader: &mut Reader<Event, i8>, step: &Step) {
    let one = |kept: Result<Kept<Event>, _>| kept.ok().map(|kept| kept.number);
    match *step {
        Step::Push { .. } => {}
        Step::Next(n) => assert_eq!(numbers(&reader.next_n(n)), model.read_on(n)),
        Step::Exactly(n) => {
            let there = model.kept.len() - model.first_new();
            match reader.next_exactly(n) {
                Ok(read) => assert_eq!(numbers(&read), model.read_on(n)),
                Err(few) => assert_eq!((few.there, there < n), (there, true)),
            }
        }
        Step::AllNew => assert_eq!(numbers(&reader.all_new()), model.read_on(model.kept.len().max(1))),
        Step::Earliest => {
            assert_eq!(one(reader.earliest()), model.kept.first().map(|kept| kept.1));
            if !model.kept.is_empty() {
                model.stand(1);
            }
        }
        Step::Latest => {
            assert_eq!(one(reader.latest()), model.kept.last().map(|kept| kept.1));
            if !model.kept.is_empty() {
                model.stand(model.kept.len());
            }
        }
        Step::LatestNew => {
            let new = model.kept.len() > model.first_new();
            assert_eq!(one(reader.latest_new()), model.kept.last().map(|kept| kept.1).filter(|_| new));
            if new {
                model.stand(model.kept.len());
            }
        }
        Step::Seek(key) => {
            reader.seek(Key(key));
            let index = model.kept.iter().filter(|kept| kept.0 < key).count();
            model.missed = model.missed();
            (model.cursor, model.rank) = (None, model.gone + model.first_new() as u64);
            model.stand(index);
        }
        Step::Range { by_key, from, to, step: n, covering, new } => {
            let wide = |span: Span<_>| if covering { span.covering() } else { span };
            let (found, expected) = if by_key {
                let span = wide(Span::of(Key(from)..=Key(to)).step_by(n));
                if !new {
                    let peeked = reader.peek(|reader| reader.range(span.clone()));
                    assert_eq!(peeked, history.range(span.clone()));
                }
                let found = if new { reader.range_new(span) } else { reader.range(span) };
                (found, model.range(|kept| i64::from(kept.0), (from.into(), to.into()), step))
            } else {
                let number = |place: i8| Number(place.max(0) as u64);
                let span = Span::of(number(from)..=number(to)).step_by(n);
                let span = if covering { span.covering() } else { span };
                let found = if new { reader.range_new(span) } else { reader.range(span) };
                let ends = (i64::from(from.max(0)), i64::from(to.max(0)));
                (found, model.range(|kept| kept.1 as i64, ends, step))
            };
            assert_eq!(found.ok().map(|found| numbers(&found)), expected);
        }
        Step::Discard(n) => {
            let there = model.kept.len().min(n);
            assert_eq!(history.discard(n), there);
            model.drop_first(there);
        }
    }
    assert_eq!(reader.missed(), model.missed());
    assert_eq!(reader.last_number(), model.cursor.map(|cursor| cursor.1));
    assert_eq!(numbers(&history.all()), model.kept.iter().map(|kept| kept.1).collect::<Vec<_>>());
    let stats = history.stats();
    assert_eq!((stats.kept, stats.bytes, stats.dropped), (model.kept.len(), model.sum(), model.gone));
    assert_eq!(stats.accepted, model.next - 1);
}

fn orders() -> impl Strategy<Value = OutOfOrder> {
    prop_oneof![Just(OutOfOrder::Refuse), Just(OutOfOrder::Drop), Just(OutOfOrder::Sort)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_history_reads_as_a_list_does(
        steps in prop::collection::vec(step(), 0..60),
        order in orders(),
        distinct: bool,
        capacity in 1..8usize,
        bytes in 2..20usize,
        age in 3..20u64,
    ) {
        let bounds = Bounds::new(Limit::drop_oldest(capacity)).max_bytes(bytes, size).max_age(Duration::from_secs(age));
        let history = match distinct {
            true => History::keyed_distinct(bounds, |event: &Event| event.0, order),
            false => History::keyed(bounds, |event: &Event| event.0, order),
        };
        let (mut keeper, mut reader) = (history.keeper(), history.reader());
        let mut model = Model {
            order, distinct, capacity, bytes, age,
            now: 0, kept: Vec::new(), gone: 0, next: 1, cursor: None, rank: 0, missed: 0,
        };
        for (count, step) in steps.iter().enumerate() {
            if let Step::Push { key, secs } = *step {
                model.now += secs;
                let event = (key, count as u32);
                let at = Instant::ZERO + Duration::from_secs(model.now);
                let pushed = keeper.push(event, at, Timestamp::UNIX_EPOCH).map_err(|error| error.why);
                prop_assert_eq!(pushed, model.push(key, event));
            }
            check(&mut model, &history, &mut reader, step);
        }
    }

    /// With a limit that blocks and a source that heeds it, each reader reads each event once.
    #[test]
    fn a_limit_that_blocks_loses_nothing(
        reads in prop::collection::vec((0..2usize, 0..4usize), 0..60),
        capacity in 1..6usize,
    ) {
        let history = History::new(Limit::block(capacity));
        let (mut keeper, mut readers) = (history.keeper(), [history.reader(), history.reader()]);
        let (mut seen, next) = ([Vec::new(), Vec::new()], Rc::new(Cell::new(0)));
        for (which, n) in reads {
            while keeper.has_room() {
                keeper.push(next.get(), Instant::ZERO, Timestamp::UNIX_EPOCH).expect("a limit that blocks refuses none");
                next.set(next.get() + 1);
                prop_assert!(history.len() <= capacity);
            }
            seen[which].extend(readers[which].next_n(n).iter().map(|kept| kept.event));
        }
        for (reader, seen) in readers.iter_mut().zip(&mut seen) {
            seen.extend(reader.all_new().iter().map(|kept| kept.event));
            prop_assert_eq!(reader.missed(), 0);
            prop_assert_eq!(&*seen, &(0..next.get()).collect::<Vec<i32>>());
        }
    }
}
