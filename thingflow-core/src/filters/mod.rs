//! Filters that work on one event at a time, or on what came before it.

mod map;

pub use map::Map;

use crate::chain::Chain;

/// The filters as methods of every [`Chain`].
pub trait Filters: Chain {
    /// Sends what `f` makes of each event. For a function that may fail see `try_map`.
    #[doc(alias = "select")]
    fn map<U, F: FnMut(Self::Item) -> U + 'static>(self, f: F) -> Self::Piped<Map<F>> {
        self.pipe(Map(f))
    }
}

impl<C: Chain> Filters for C {}
