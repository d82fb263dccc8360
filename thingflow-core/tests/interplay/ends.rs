//! What was put off, or is held, when the end, a flush or an error comes.

use thingflow_core::flow::ErrorPolicy;
use thingflow_core::joins;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::timing::ThrottleBy;
use thingflow_core::{Limit, Notice};

use super::clockwork::{Result, S};

#[test]
fn what_was_put_off_for_a_later_turn_comes_before_the_end() -> Result {
    for error in [None, Some(StreamError::new("broken"))] {
        let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
        port.connect(seen.clone());
        scheduler.with_context(|cx| {
            port.emit_later(1, cx)?;
            port.emit_later(2, cx)?;
            match error.clone() {
                None => port.complete(cx),
                Some(error) => port.fail(error, cx),
            }
        })?;
        assert!(port.is_closed());
        scheduler.run_forever()?;
        assert_eq!((seen.events(), seen.is_completed()), (vec![1, 2], error.is_none()));
    }
    Ok(())
}

#[test]
fn a_loop_whose_last_feeder_was_cancelled_ends_when_nothing_is_on_its_way() -> Result {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    port.filter(|n| *n < 4).map(|n| n + 1).delay(S, Limit::default()).connect(port.downgrade());
    port.connect(seen.clone());
    let handle = scheduler.schedule_periodic(from_iter(1..).connect(port.feeder()), S)?;
    scheduler.run_for(S)?;
    handle.cancel();
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3 4@4 |@4");
    Ok(())
}

#[test]
fn what_waits_at_several_keys_is_flushed_in_the_order_in_which_it_came() -> Result {
    let (port, seen, cx) = (Port::new(), Recorder::new(), &mut Context::detached(Instant::ZERO));
    port.pipe(ThrottleBy::trailing(S, 10, |n: &i32| *n)).connect(seen.clone());
    for n in [3, 1, 2] {
        port.emit(n, cx)?;
    }
    port.as_ref().notice(Notice::Flush, cx)?;
    assert_eq!(seen.events(), [3, 1, 2]);
    Ok(())
}

#[test]
fn a_flush_sends_the_event_that_waits_for_its_trigger() -> Result {
    let (numbers, trigger, seen) = (Port::new(), Port::<()>::new(), Recorder::new());
    numbers.sample(&trigger).connect(seen.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    numbers.emit(1, cx)?;
    numbers.as_ref().notice(Notice::Flush, cx)?;
    trigger.emit((), cx)?;
    assert_eq!(seen.events(), [1]);
    Ok(())
}

#[test]
fn what_is_held_is_sent_before_the_error_that_there_is_no_room_for_more() -> Result {
    let seen = || Recorder::<String>::new();
    let of = |seen: &Recorder<String>| (seen.events(), seen.error().is_some());
    let (numbers, silent, others) = (Port::<i32>::new(), Port::<i32>::new(), Port::<()>::new());
    let [merged, zipped, gathered, tried] = [seen(), seen(), seen(), seen()];
    let limit = || Limit::fail(2);
    joins::merge_by_time([&numbers, &silent], |n| *n, limit()).map(|n| n.to_string()).connect(merged.clone());
    let (timed, none) = (numbers.map(|n| (n, n)).share(), silent.map(|n| (n, n)).share());
    joins::timed_zip((&timed, &none), limit()).map(|(n, _)| n.to_string()).connect(zipped.clone());
    numbers.buffer_until(&others, limit()).map(|all| format!("{all:?}")).connect(gathered.clone());
    let mut fails = 1;
    let policy = ErrorPolicy::skip().retry(2, Backoff::constant(S)).limit(limit());
    let once = move |n: &i32| if std::mem::take(&mut fails) == 1 { Err("not now") } else { Ok(n.to_string()) };
    numbers.try_map_with(policy, once).connect(tried.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    for n in 1..=4 {
        numbers.emit(n, cx)?;
    }
    assert_eq!(of(&merged), (vec!["1".into(), "2".into()], true));
    assert_eq!(of(&zipped), (vec!["1".into(), "2".into()], true));
    assert_eq!(of(&gathered), (vec!["[1, 2]".into()], true));
    assert_eq!(of(&tried), (vec!["1".into(), "2".into(), "3".into()], true)); // one is tried again, and two wait
    Ok(())
}
