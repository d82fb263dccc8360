//! `timed_unzip()`: sends each slot of aligned events to a port of its own: the inverse of `timed_zip`.
//!
//! Holds nothing.

use core::fmt;

use crate::context::Context;
use crate::notice::{Notice, Question, Receipts};
use crate::output::Ports;
use crate::port::Port;
use crate::splitting::outputs::all_to_ports;
use crate::thing::{InputThing, Receipt};

/// Two to four slots, as [`timed_zip`](super::Joins::timed_zip) makes them.
pub trait Slots<K> {
    /// A port for each.
    type Ports: Clone;
    /// New ports.
    fn ports() -> Self::Ports;
}

/// Made by [`timed_unzip`](super::Joins::timed_unzip): sends `(time, value)` to the ports whose slots are not empty.
///
/// It wants no more events when nobody listens to any of the ports.
///
/// ```
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let rows = Port::<(i32, (Option<&str>, Option<i32>))>::new();
/// let (a, b) = (Recorder::new(), Recorder::new());
/// let (first, second) = rows.timed_unzip();
/// first.connect(a.clone());
/// second.connect(b.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// rows.emit((1, (Some("x"), None)), cx)?;
/// rows.emit((2, (Some("y"), Some(20))), cx)?;
/// rows.complete(cx)?;
/// assert_eq!((a.text(), b.text()), (r#"(1, "x") (2, "y") |"#.into(), "(2, 20) |".into()));
/// # Ok::<(), FatalError>(())
/// ```
pub struct TimedUnzip<P> {
    pub(super) ports: P,
}

macro_rules! unzip {
    ($($name:ident $i:tt)+) => {
        impl<K: Clone + 'static, $($name: Clone + 'static),+> Slots<K> for ($(Option<$name>,)+) {
            type Ports = ($(Port<(K, $name)>,)+);
            fn ports() -> Self::Ports {
                ($(Port::<(K, $name)>::new(),)+)
            }
        }

        impl<K: Clone + 'static, $($name: Clone + 'static),+> InputThing<(K, ($(Option<$name>,)+))>
            for TimedUnzip<($(Port<(K, $name)>,)+)>
        {
            fn next(&mut self, (time, slots): (K, ($(Option<$name>,)+)), cx: &mut Context<'_>) -> Receipt {
                let mut receipts = Receipts::default();
                $(if let Some(value) = slots.$i {
                    receipts.add(self.ports.$i.emit((time.clone(), value), cx)?);
                })+
                Ok(self.ports.receipt_of(receipts))
            }
            fn next_ref(&mut self, event: &(K, ($(Option<$name>,)+)), cx: &mut Context<'_>) -> Receipt {
                self.next(event.clone(), cx)
            }
            all_to_ports!("timed_unzip", ports);
        }
    };
}
unzip!(A 0 B 1);
unzip!(A 0 B 1 C 2);
unzip!(A 0 B 1 C 2 D 3);

impl<P> fmt::Debug for TimedUnzip<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimedUnzip")
    }
}
