//! `timed_unzip()`: send each slot of aligned events to a port of its own: the inverse of `timed_zip`.
//!
//! Holds nothing.

use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::port::Port;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

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
pub struct TimedUnzip<P>(pub(super) P);

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
            fn on_next(&mut self, (time, slots): (K, ($(Option<$name>,)+)), cx: &mut Context<'_>) -> Receipt {
                let mut full = false;
                $(if let Some(value) = slots.$i {
                    full |= self.0.$i.emit((time.clone(), value), cx)? == Demand::Full;
                })+
                Ok(if $(!self.0.$i.is_listened())&&+ {
                    Demand::Done
                } else if full {
                    Demand::Full
                } else {
                    Demand::More
                })
            }
            fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
                $(self.0.$i.complete(cx)?;)+
                Ok(())
            }
            fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
                $(self.0.$i.fail(error.clone(), cx)?;)+
                Ok(())
            }
            fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
                let demands = [$(self.0.$i.on_start(cx)?),+];
                Ok(if demands.iter().all(|demand| *demand == Demand::Done) { Demand::Done } else { Demand::More })
            }
            fn is_open(&self) -> bool {
                $(self.0.$i.is_listened())||+
            }
            fn has_room(&self) -> bool {
                $(InputThing::has_room(&self.0.$i))&&+
            }
            fn describe(&self, visitor: &mut dyn Visitor) {
                visitor.filter("TimedUnzip");
                $(visitor.branch(&|visitor| visitor.port(self.0.$i.as_ref(), false));)+
            }
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
