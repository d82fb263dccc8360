//! Sources of data at hand: [`from_iter`], [`try_from_iter`], [`from_fn`], [`unfold`], [`never`].

mod from_fn;
mod from_iter;
mod never;
mod unfold;

pub use from_fn::{FromFn, from_fn};
pub use from_iter::{FromIter, TryFromIter, from_iter, try_from_iter};
pub use never::{Never, never};
pub use unfold::{Unfold, unfold};
