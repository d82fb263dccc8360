//! Flow control: operators that hold events back, hand them on elsewhere, or go on in spite of errors.

#[cfg(feature = "alloc")]
mod buffer;
#[cfg(feature = "alloc")]
mod error_policy;
mod fatal_errors;
mod latest;
#[cfg(feature = "alloc")]
mod try_with;

#[cfg(feature = "alloc")]
pub use buffer::Buffer;
#[cfg(feature = "alloc")]
pub use error_policy::{DeadLetter, ErrorMeter, ErrorPolicy, ErrorStats};
pub use fatal_errors::FatalErrors;
pub use latest::Latest;
#[cfg(feature = "alloc")]
pub use try_with::{Fallible, Filtering, Mapping, TryWith};

use crate::chain::Chain;
#[cfg(feature = "alloc")]
use {crate::error::Cause, crate::sinks::Call};

/// Flow control as methods of every [`Chain`].
pub trait FlowControl: Chain {
    /// Goes on while those further down are full: up to the limit events wait here.
    #[cfg(feature = "alloc")]
    #[doc(alias = "decouple")]
    #[doc(alias = "onBackpressureBuffer")]
    fn buffer(self, limit: crate::Limit) -> Self::Piped<Buffer<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Buffer::new(limit))
    }

    /// While those further down are full keeps only the newest event, and hands it on when they have room again.
    #[doc(alias = "onBackpressureLatest")]
    fn latest(self) -> Self::Piped<Latest<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Latest::new())
    }

    /// Sends what `f` makes of each event; the policy says what becomes of one for which it fails. Unlike in
    /// [`try_map`](crate::Elementwise::try_map), `f` borrows the event: a policy may try it again, or hand it to the dead letters.
    #[cfg(feature = "alloc")]
    #[doc(alias = "circuit_breaker")]
    #[doc(alias = "dead_letter")]
    #[doc(alias = "retry")]
    fn try_map_with<U, E, F>(
        self,
        policy: ErrorPolicy<Self::Item>,
        f: F,
    ) -> Self::Piped<TryWith<Self::Item, Mapping<F>>>
    where
        E: Into<Cause>,
        F: FnMut(&Self::Item) -> Result<U, E> + 'static,
        Self::Item: 'static,
    {
        self.pipe(TryWith::new(Mapping(f), policy))
    }

    /// Passes the events for which `p` holds; the policy says what becomes of one for which it fails.
    #[cfg(feature = "alloc")]
    fn try_filter_with<E, P>(
        self,
        policy: ErrorPolicy<Self::Item>,
        p: P,
    ) -> Self::Piped<TryWith<Self::Item, Filtering<P>>>
    where
        E: Into<Cause>,
        P: FnMut(&Self::Item) -> Result<bool, E> + 'static,
        Self::Item: 'static,
    {
        self.pipe(TryWith::new(Filtering(p), policy))
    }

    /// Calls `f` with each event; the policy says what becomes of one for which it fails.
    #[cfg(feature = "alloc")]
    #[allow(clippy::type_complexity)] // the chain with its end, spelt out
    fn try_for_each_with<E, F>(
        self,
        policy: ErrorPolicy<Self::Item>,
        f: F,
    ) -> <Self::Piped<TryWith<Self::Item, Mapping<F>>> as Chain>::Ended<Call<(), fn(())>>
    where
        E: Into<Cause>,
        F: FnMut(&Self::Item) -> Result<(), E> + 'static,
        Self::Item: 'static,
    {
        self.try_map_with(policy, f).connect(crate::sinks::call(drop as fn(())))
    }

    /// An error that ends the stream here ends the run.
    fn fatal_errors(self) -> Self::Piped<FatalErrors> {
        self.pipe(FatalErrors)
    }
}

impl<C: Chain> FlowControl for C {}
