//! `partition(p)`: sends the events for which a predicate holds to one port, and the others to a second one.
//!
//! Holds nothing.

use super::split::Split;

/// The Thing that parts. On ports there is the method [`partition`](super::Splitting::partition), which connects it and
/// gives back its ports; make it yourself where the chain is a flow, which is still to be scheduled. For more than two
/// ports see [`dispatch`](super::Splitting::dispatch).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// use thingflow_core::splitting::partition;
/// let parity = partition(|x: &i32| x % 2 == 0);
/// let (even, odd) = parity.ports();
/// let (seen_even, seen_odd) = (Recorder::new(), Recorder::new());
/// even.connect(seen_even.clone());
/// odd.connect(seen_odd.clone());
/// from_iter(1..=5).connect(parity).run(&mut Context::detached(Instant::ZERO))?;
/// assert_eq!([seen_even.text(), seen_odd.text()], ["2 4 |", "1 3 5 |"]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
pub fn partition<T, P>(mut p: P) -> Split<impl FnMut(T) -> Either<T>, Either<T>>
where
    T: Clone + 'static,
    P: FnMut(&T) -> bool + 'static,
{
    Split::new(move |event| if p(&event) { (Some(event), None) } else { (None, Some(event)) })
}

/// An event for the first or for the second port.
type Either<T> = (Option<T>, Option<T>);
