//! Things with several outputs, whose branches want different numbers of events.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use thingflow_core::ends::Catch;
use thingflow_core::prelude::*;
use thingflow_core::splitting::{GroupBy, RouteByIndex, Split, Unzip, partition};
use thingflow_core::testing::Recorder;

use crate::{End, end, events, line};

/// Runs the events into a Thing, to their end or until it wants no more: how many it got, if it wanted no more.
fn feed<T>(events: impl IntoIterator<Item = T>, end: End, mut thing: impl InputThing<T>) -> Option<usize> {
    let cx = &mut Context::detached(Instant::ZERO);
    let mut demand = thing.notice(Notice::Start, cx).expect("no fatal error");
    for (n, event) in events.into_iter().enumerate() {
        if demand == Demand::Done {
            return Some(n);
        }
        demand = thing.next(event, cx).expect("no fatal error");
    }
    if demand == Demand::Done {
        return None;
    }
    match end {
        None => thing.notice(Notice::Completed, cx),
        Some(why) => thing.notice(Notice::Error(StreamError::new(why)), cx),
    }
    .expect("no fatal error");
    None
}

/// A branch of a model, which wants `limit` events.
#[derive(Clone, Debug, Default)]
struct Branch {
    seen: Vec<i32>,
    limit: usize,
}

impl Branch {
    fn new(limit: usize) -> Self {
        Self { seen: Vec::new(), limit }
    }
    fn is_done(&self) -> bool {
        self.seen.len() == self.limit
    }
    fn next(&mut self, event: i32) {
        if !self.is_done() {
            self.seen.push(event);
        }
    }
    fn text(&self, end: End) -> String {
        line(&self.seen, if self.is_done() { None } else { end })
    }
}

/// The branches after the events, and the number of events after which nobody wanted more.
fn model(events: &[i32], limits: &[usize], to: impl Fn(i32) -> Vec<(usize, i32)>) -> (Vec<Branch>, Option<usize>) {
    let mut branches: Vec<_> = limits.iter().map(|limit| Branch::new(*limit)).collect();
    for (n, event) in events.iter().enumerate() {
        if branches.iter().all(Branch::is_done) {
            return (branches, Some(n));
        }
        for (at, event) in to(*event) {
            branches[at].next(event);
        }
    }
    (branches, None)
}

fn connect<T: Clone + 'static>(port: &Port<T>, limit: usize) -> Recorder<T> {
    let seen = Recorder::new();
    port.take(limit).connect(seen.clone());
    seen
}

proptest! {
    #[test]
    fn split_in_three(e in events(), end in end(), limits in prop::array::uniform3(0_usize..8)) {
        let slots = |x: i32| ((x > 0).then_some(x), (x % 2 == 0).then_some(x * 10), (x < 3).then_some(x + 1));
        let split = Split::new(slots);
        let ports = split.ports();
        let seen = [connect(&ports.0, limits[0]), connect(&ports.1, limits[1]), connect(&ports.2, limits[2])];
        let (branches, wanted) = model(&e, &limits, |x| {
            let slots = slots(x);
            let all = [slots.0, slots.1, slots.2].into_iter().enumerate();
            all.filter_map(|(at, slot)| slot.map(|x| (at, x))).collect()
        });
        prop_assert_eq!(feed(e, end, split), wanted);
        for (seen, branch) in seen.iter().zip(branches) {
            prop_assert_eq!(seen.text(), branch.text(end));
            prop_assert_eq!(seen.after_end(), 0);
        }
    }

    #[test]
    fn partition_and_unzip(e in events(), end in end(), limits in prop::array::uniform2(0_usize..8)) {
        let parted = partition(|x| *x > 0);
        let ports = parted.ports();
        let seen = [connect(&ports.0, limits[0]), connect(&ports.1, limits[1])];
        let (branches, wanted) = model(&e, &limits, |x| vec![(usize::from(x <= 0), x)]);
        prop_assert_eq!(feed(e.clone(), end, parted), wanted);
        prop_assert_eq!(seen.map(|seen| seen.text()).to_vec(), branches.iter().map(|b| b.text(end)).collect::<Vec<_>>());

        let unzipped = Split::new(<(i32, i32)>::slots);
        let ports = unzipped.ports();
        let seen = [connect(&ports.0, limits[0]), connect(&ports.1, limits[1])];
        let (branches, wanted) = model(&e, &limits, |x| vec![(0, x), (1, x * 2)]);
        prop_assert_eq!(feed(e.iter().map(|x| (*x, x * 2)), end, unzipped), wanted);
        prop_assert_eq!(seen.map(|seen| seen.text()).to_vec(), branches.iter().map(|b| b.text(end)).collect::<Vec<_>>());
    }

    #[test]
    fn routes(e in prop::collection::vec(0_usize..8, 0..24), end in end(), limits in prop::collection::vec(0_usize..8, 1..9)) {
        let route = RouteByIndex::new(limits.len());
        let seen: Vec<_> = route.ports().iter().zip(&limits).map(|(port, limit)| connect(port, *limit)).collect();
        // It goes well up to the first index without a port.
        let good = e.iter().position(|at| *at >= limits.len()).unwrap_or(e.len());
        let events: Vec<_> = e.iter().map(|at| *at as i32).collect();
        let (branches, wanted) = model(&events[..good], &limits, |x| vec![(x as usize, x)]);
        let done = wanted.is_some() || branches.iter().all(Branch::is_done);
        let bad = e.get(good).filter(|_| !done);
        let n = limits.len();
        let why = bad.map(|at| format!("route_by_index: there is no port {at}; there are {n}, the first is 0"));
        feed(events.iter().map(|x| (*x as usize, *x)), end, route);
        for (seen, branch) in seen.iter().zip(branches) {
            let end = why.as_deref().or(end);
            prop_assert_eq!(seen.text(), line(&branch.seen, if branch.is_done() { None } else { end }));
        }
    }

    #[test]
    fn groups(
        e in events(), end in end(), modulus in 1..9, max in 1_usize..5, limits in prop::collection::vec(1_usize..6, 24),
        announced in 0_usize..8,
    ) {
        let group_by = GroupBy::new(move |x: &i32| x.rem_euclid(modulus)).max_keys(max);
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (list, wants) = (seen.clone(), limits.clone());
        group_by.groups().take(announced).for_each(move |(key, port)| {
            let limit = wants[list.borrow().len()];
            list.borrow_mut().push((key, connect(&port, limit)));
        });

        // Keys by their last event, each with the number of its branch.
        let mut known: Vec<(i32, usize)> = Vec::new();
        let mut branches: Vec<(i32, Branch, Option<End>)> = Vec::new();
        let mut wanted = None;
        for (n, x) in e.iter().enumerate() {
            if branches.len() == announced && branches.iter().all(|(_, branch, ended)| branch.is_done() || ended.is_some()) {
                wanted = Some(n);
                break;
            }
            let key = x.rem_euclid(modulus);
            let old = known.iter().position(|(k, _)| *k == key).map(|at| known.remove(at));
            if old.is_none() && branches.len() == announced {
                continue;
            }
            let branch = old.map_or(branches.len(), |(_, branch)| branch);
            if old.is_none() {
                if known.len() == max {
                    branches[known.remove(0).1].2 = Some(None);
                }
                branches.push((key, Branch::new(limits[branches.len()]), None));
            }
            known.push((key, branch));
            branches[branch].1.next(*x);
        }
        prop_assert_eq!(feed(e, end, group_by), wanted);
        let texts: Vec<_> = seen.borrow().iter().map(|(key, seen)| (*key, seen.text())).collect();
        let expected = branches.iter().map(|(key, branch, ended)| (*key, branch.text(ended.unwrap_or(end))));
        prop_assert_eq!(texts, expected.collect::<Vec<_>>());
    }

    #[test]
    fn branches_that_come_and_go(ops in prop::collection::vec((0_usize..2, prop::option::of(-4..5)), 0..40)) {
        // An event, or none: then the branch is connected if it is not, and disconnected if it is.
        let port = Port::new();
        let (small, large) = port.partition(|x| *x < 0);
        let seen = [Recorder::new(), Recorder::new()];
        let (mut connections, mut expected, mut ended) = ([None, None], [vec![], vec![]], false);
        for (at, event) in ops {
            let branch = if at == 0 { &small } else { &large };
            if let Some(x) = event {
                ended |= connections.iter().all(Option::is_none);
                let to = usize::from(x >= 0);
                if connections[to].is_some() && !ended {
                    expected[to].push(x);
                }
                let demand = port.emit(x, &mut Context::detached(Instant::ZERO)).expect("no fatal error");
                prop_assert_eq!(demand, if ended { Demand::Done } else { Demand::More });
            } else if let Some(connection) = connections[at].take() {
                Connection::disconnect(&connection);
            } else {
                connections[at] = Some(branch.connect(seen[at].clone()));
            }
        }
        prop_assert_eq!(seen.map(|seen| seen.events()), expected);
    }

    #[test]
    fn catch(e in events(), end in end(), rest in events(), rest_end in end(), limit in 1_usize..40) {
        let spare = Port::new();
        let instead = spare.clone();
        let catch = Catch::new(move |_| instead);
        let seen = connect(catch.port(), limit);
        feed(e.clone(), end, catch);
        prop_assert_eq!(spare.is_listened(), end.is_some() && e.len() < limit);
        feed(rest.clone(), rest_end, spare);
        let mut branch = Branch::new(limit);
        e.iter().for_each(|x| branch.next(*x));
        if end.is_some() {
            rest.iter().for_each(|x| branch.next(*x));
        }
        prop_assert_eq!(seen.text(), branch.text(end.and(rest_end)));
        prop_assert_eq!(seen.after_end(), 0);
    }
}
