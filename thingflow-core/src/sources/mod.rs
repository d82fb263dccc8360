//! Sources of data at hand: [`from_iter`], [`try_from_iter`], [`from_fn`], [`unfold`], [`never`]; those made of others:
//! [`repeat`], [`retry`]; and those with a timetable of their own: [`interval`], [`timer`].

mod from_fn;
mod from_iter;
mod interval;
mod never;
mod repeat;
mod retry;
mod timer;
mod unfold;

pub use from_fn::{FromFn, from_fn};
pub use from_iter::{FromIter, TryFromIter, from_iter, try_from_iter};
pub use interval::{Interval, interval};
pub use never::{Never, never};
pub use repeat::{Repeated, repeat, repeat_n};
pub use retry::{Retried, retry};
pub use timer::{Timer, timer};
pub use unfold::{Unfold, unfold};
