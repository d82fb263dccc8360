//! Sources of data at hand: [`from_iter`], [`try_from_iter`], [`from_fn`], [`unfold`], [`never`]; those made of others:
//! [`repeat`], [`retry`], [`retry_after`]; those with a timetable of their own: [`interval`], [`timer`]. Stages on a source of any kind:
//! [`Flow::at_times`](crate::Flow::at_times), [`Flow::skip_failures`](crate::Flow::skip_failures).

mod at_times;
mod from_fn;
mod from_iter;
mod interval;
mod never;
mod repeat;
mod retry;
mod skip_failures;
mod timer;
mod unfold;

pub use at_times::AtTimes;
pub use from_fn::{FromFn, from_fn};
pub use from_iter::{FromIter, TryFromIter, from_iter, try_from_iter};
pub use interval::{Interval, interval};
pub use never::{Never, never};
pub use repeat::{Repeated, repeat, repeat_n};
pub use retry::{Retried, retry, retry_after};
pub use skip_failures::SkipFailures;
pub use timer::{Timer, timer};
pub use unfold::{Unfold, unfold};
