//! The parts that the operators of this library are made of, for custom operators.
//!
//! | piece | what it does |
//! | --- | --- |
//! | [`Holding`] | holds events within a limit and sends them on later: in time, and while there is room |
//! | [`Single`] | holds one event |
//! | [`Marks`] | lets watermarks wait behind the events that are held |
//! | [`Gate`] | keeps events back while those downstream are full |
//! | [`Ending`] | lets the end of a stream wait until all that is held has been sent |
//! | [`Ticker`] | the ends of intervals |
//! | [`Recent`] | a map that forgets the key which was silent for longest |
//! | [`SideBranch`] | a Thing beside the main way of a chain: dead letters, an `also_to` |
//! | [`Receipts`](crate::Receipts), [`Ports`](crate::Ports) | several outputs |
//! | [`Shared`](crate::Shared), [`Rule`](crate::joins::Rule) | several inputs, re-entrant |
//! | [`storage`](crate::storage) | events and values on the heap or in place |
//!
//! `examples/custom-things` writes `delay`, `buffer`, `zip` and `group_by` again with these alone.

mod ending;
mod gate;
mod holding;
mod marks;
#[cfg(feature = "alloc")]
mod recent;
mod side;
mod single;
mod ticker;

pub use ending::Ending;
pub use gate::Gate;
pub use holding::Holding;
#[cfg(feature = "std")]
pub(crate) use marks::Mark;
pub use marks::Marks;
#[cfg(feature = "alloc")]
pub use recent::Recent;
pub use side::SideBranch;
pub use single::Single;
pub use ticker::Ticker;
