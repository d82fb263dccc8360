//! What an event can come to, without a scheduler: done, failed, abandoned, gathered and taken apart.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::tracking::{Ack, Outcome, Tracked, Tracker};

use super::{Kept, context, keep, logging, text};

#[test]
fn whatever_lets_go_of_an_event_settles_it_once() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (port, (kept, sink)) = (Port::new(), keep());
    port.track_by(&tracker, |_| ()).filter_value(|n| n % 2 == 0).connect(sink);
    for n in 0..4 {
        let _ = port.emit(n, cx).unwrap();
    }
    assert_eq!((text(&log).as_str(), tracker.in_flight(), tracker.committed()), ("1:done 3:done", 2, 0));
    let last = kept.borrow_mut().pop();
    drop(last);
    assert_eq!(tracker.in_flight(), 2, "not told yet");
    tracker.settle(cx).unwrap();
    assert_eq!((text(&log).as_str(), tracker.in_flight(), tracker.committed()), ("1:done 3:done 2:done", 1, 0));
    kept.borrow_mut().clear();
    tracker.settle(cx).unwrap();
    assert_eq!((text(&log).as_str(), tracker.in_flight(), tracker.committed()), ("1:done 3:done 2:done 0:done", 0, 4));
}

#[test]
fn what_a_full_queue_drops_is_not_done() {
    for (limit, dropped) in [(Limit::drop_oldest(2), [0, 1]), (Limit::drop_newest(2), [2, 3])] {
        let (tracker, log) = logging();
        let cx = &mut context();
        let (source, port, gate) = (Port::new(), Port::new(), Port::new());
        source.track_by(&tracker, |_| ()).connect(port.clone());
        port.buffer_until(&gate, limit).connect(call(drop));
        for n in 0..4 {
            let _ = source.emit(n, cx).unwrap();
        }
        tracker.settle(cx).unwrap();
        assert_eq!((text(&log), tracker.committed()), (dropped.map(|n| format!("{n}:dropped")).join(" "), 0));
        let _ = gate.emit((), cx).unwrap();
        tracker.settle(cx).unwrap();
        assert_eq!((tracker.in_flight(), tracker.committed()), (0, dropped[0]));
        dropped.into_iter().for_each(|n| tracker.skip(n));
        assert_eq!(tracker.committed(), 4);
    }
}

#[test]
fn a_failure_counts_for_more_than_a_queue_that_drops_the_event() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (source, port, gate) = (Port::new(), Port::new(), Port::<()>::new());
    source.track_by(&tracker, |_| ()).connect(port.clone());
    port.buffer_until(&gate, Limit::drop_oldest(1)).connect(call(drop));
    port.connect(call(|event: Tracked<i32>| match event.value {
        0 => event.fail(StreamError::new("broken")),
        1 => event.abandon(),
        _ => drop(event),
    }));
    for n in 0..4 {
        let _ = source.emit(n, cx).unwrap();
    }
    tracker.settle(cx).unwrap();
    assert_eq!(text(&log), "0:failed(broken) 1:abandoned 2:dropped");
}

#[test]
fn branches_share_an_event_and_one_failure_is_enough() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (source, port, (kept, sink)) = (Port::new(), Port::new(), keep());
    source.track_by(&tracker, |_| ()).connect(port.clone());
    port.connect(sink);
    port.try_map_value(|n: i32| if n == 1 { Err("odd") } else { Ok(n) }).acknowledge().connect(call(drop));
    for n in 0..3 {
        let _ = source.emit(n, cx).unwrap();
    }
    assert_eq!(text(&log), "");
    kept.borrow_mut().clear();
    tracker.settle(cx).unwrap();
    assert_eq!(text(&log), "0:done 1:failed(odd) 2:done");
    assert_eq!(tracker.committed(), 1);
    tracker.skip(1);
    assert_eq!(tracker.committed(), 3);
}

#[test]
fn metadata_is_gathered_and_so_is_the_outcome() {
    let told = Kept::default();
    let notes = told.clone();
    let tracker = Tracker::new(move |settled, _| {
        notes.borrow_mut().push((settled.meta, settled.outcome));
        Ok(())
    });
    let cx = &mut context();
    let mut event = |meta: &'static str| tracker.track(meta.len(), meta, cx);
    let (a, b, c, d) = (event("a"), event("bb"), event("ccc"), event("dddd"));
    let pair = a.and(b);
    assert_eq!((pair.value, pair.metadata().copied().collect::<Vec<_>>()), ((1, 2), vec!["a", "bb"]));
    let (value, ack): (_, Ack<_>) = pair.split();
    let whole = thingflow_core::tracking::Gather::gather((ack.with(value), [c], Tracked::untracked(9)).into_triple());
    assert_eq!((whole.value, whole.metadata().count()), (((1, 2), [3], 9), 3));
    whole.clone().fail(StreamError::new("no"));
    whole.fail(StreamError::new("the second one is not told"));
    drop(d);
    tracker.settle(cx).unwrap();
    let failed = |meta| (meta, Outcome::Failed(StreamError::new("no")));
    assert_eq!(*told.borrow(), [failed("a"), failed("bb"), failed("ccc"), ("dddd", Outcome::Done)]);
}

/// The array in the middle is gathered first.
trait IntoTriple {
    type Triple;
    fn into_triple(self) -> Self::Triple;
}

impl<A, B, C, M> IntoTriple for (Tracked<A, M>, [Tracked<B, M>; 1], Tracked<C, M>) {
    type Triple = (Tracked<A, M>, Tracked<[B; 1], M>, Tracked<C, M>);
    fn into_triple(self) -> Self::Triple {
        (self.0, thingflow_core::tracking::Gather::gather(self.1), self.2)
    }
}

#[test]
fn f98_a_tracked_list_is_flattened() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (port, (kept, sink)) = (Port::new(), keep());
    port.track_by(&tracker, |_| ()).flatten_value().connect(sink);
    for list in [vec![1, 2], vec![], vec![3]] {
        let _ = port.emit(list, cx).unwrap();
    }
    assert_eq!(kept.borrow().iter().map(|part: &Tracked<i32>| part.value).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(kept.borrow().iter().map(|part| part.metadata().count()).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!((text(&log).as_str(), tracker.committed()), ("1:done", 0));
    let mut parts = kept.take().into_iter();
    drop(parts.next());
    tracker.settle(cx).unwrap();
    assert_eq!(tracker.in_flight(), 2, "the second part of the first list is held");
    parts.next().unwrap().fail(StreamError::new("no"));
    drop(parts);
    tracker.settle(cx).unwrap();
    assert_eq!((text(&log).as_str(), tracker.committed()), ("1:done 0:failed(no) 2:done", 0));
}

#[test]
fn f98_what_is_not_sent_of_a_list_is_not_done() {
    let (tracker, log) = logging();
    let lists = from_iter([vec![1, 2], vec![3, 4]]).track_by(&tracker, |_| ());
    assert_eq!(lists.flatten_value().acknowledge().take(3).collect_now(), [1, 2, 3]);
    assert_eq!((text(&log).as_str(), tracker.committed()), ("0:done 1:abandoned", 1));

    let (tracker, log) = logging();
    let lists = from_iter([vec![1, 2], vec![3, 4]]).track_by(&tracker, |_| ());
    assert_eq!(lists.flatten_value().acknowledge().take(2).collect_now(), [1, 2]);
    assert_eq!(text(&log), "0:done", "all of it was sent");

    let (tracker, log) = logging();
    let full = try_call(|n: i32| if n < 2 { Ok(()) } else { Err("full") });
    let mut lists = pipe().track_by(&tracker, |_| ()).flatten_value().acknowledge().to(full);
    assert!(lists.feed([vec![1, 2, 3]]).is_err());
    tracker.settle(&mut context()).unwrap();
    assert_eq!((text(&log).as_str(), tracker.committed()), ("0:abandoned", 0));

    let (tracker, _) = logging();
    let broken = [1, 2].into_iter().map(|n| if n < 2 { n } else { panic!("a broken iterator") });
    let port = Port::new();
    port.track_by(&tracker, |_| ()).flatten_value().acknowledge().connect(call(drop));
    let emitted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| port.emit(broken, &mut context())));
    assert!(emitted.is_err());
    drop(port);
    tracker.settle(&mut context()).unwrap();
    assert_eq!((tracker.in_flight(), tracker.committed()), (0, 0));
}

proptest! {
    /// The whole is done when all of its parts are, whatever becomes of them and in which order.
    #[test]
    fn f98_a_list_is_dealt_with_when_its_parts_are(
        lists in proptest::collection::vec(proptest::collection::vec((0_u8..4, any::<u16>()), 0..5), 0..12),
    ) {
        let told = Rc::new(RefCell::new(vec![None; lists.len()]));
        let notes = told.clone();
        let tracker = Tracker::new(move |settled: thingflow_core::tracking::Settled<usize>, _| {
            let before = notes.borrow_mut()[settled.meta].replace(settled.outcome);
            assert_eq!(before, None);
            Ok(())
        });
        let cx = &mut context();
        let (port, (kept, sink)) = (Port::new(), keep());
        let mut place = 0..;
        port.track_by(&tracker, move |_| place.next().unwrap()).flatten_value().connect(sink);
        for (n, list) in lists.iter().enumerate() {
            let parts: Vec<_> = list.iter().map(|(fate, order)| (n, *fate, *order)).collect();
            let _ = port.emit(parts, cx).unwrap();
        }
        let mut parts = kept.take();
        parts.sort_by_key(|part: &Tracked<(usize, u8, u16), usize>| part.value.2);
        let mut waiting = lists.clone();
        for part in parts {
            let (n, fate, _) = part.value;
            match fate {
                0 => drop(part),
                1 => drop(part.done()),
                2 => part.fail(StreamError::new("no")),
                _ => part.abandon(),
            }
            tracker.settle(cx).unwrap();
            waiting[n].pop();
            prop_assert_eq!(told.borrow()[n].is_some(), waiting[n].is_empty());
        }
        for (list, told) in lists.iter().zip(&*told.borrow()) {
            let any = |wanted| list.iter().any(|(fate, _)| *fate == wanted);
            let expected = match (any(2), any(3)) {
                (true, _) => Outcome::Failed(StreamError::new("no")),
                (false, true) => Outcome::Abandoned,
                (false, false) => Outcome::Done,
            };
            prop_assert_eq!(told.as_ref(), Some(&expected));
        }
    }
}
