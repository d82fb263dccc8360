//! Flow control: operators that hold events back, hand them on elsewhere, or go on in spite of errors.

#[cfg(feature = "alloc")]
mod buffer;
#[cfg(feature = "alloc")]
mod dead_letter;
#[cfg(feature = "alloc")]
mod error_policy;
mod fatal_errors;
mod latest;
#[cfg(feature = "alloc")]
mod try_with;

#[cfg(feature = "alloc")]
pub use buffer::Buffer;
#[cfg(feature = "alloc")]
pub use dead_letter::DeadLetter;
#[cfg(feature = "alloc")]
pub use error_policy::{ErrorMeter, ErrorPolicy, ErrorStats};
pub use fatal_errors::FatalErrors;
pub use latest::Latest;
#[cfg(feature = "alloc")]
pub use try_with::{Fallible, Filtering, Mapping, TryWith};

use crate::chain::Chain;
#[cfg(feature = "alloc")]
use {crate::error::Cause, crate::sinks::Call};

/// Flow control as methods of every [`Chain`].
pub trait FlowControl: Chain {
    /// Goes on while those downstream are full: up to the limit events wait here.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use std::time::Duration;
    /// # let second = Duration::from_secs(1);
    /// # use thingflow_core::testing::Recorder;
    /// # #[cfg(feature = "std")] {
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// // The source gives ten events at once; five wait here, and none is lost.
    /// let burst = from_iter(0..10).buffer(Limit::block(5)).pace(second, Limit::block(1));
    /// scheduler.schedule_recurring(burst.connect(seen.clone()))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.events(), (0..10).collect::<Vec<_>>());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "decouple")]
    #[doc(alias = "onBackpressureBuffer")]
    fn buffer(self, limit: crate::Limit) -> Self::Piped<Buffer<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Buffer::new(limit))
    }

    /// While those downstream are full keeps only the newest event, and hands it on when they have room again.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "std")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let (fast, slow) = (Duration::from_millis(100), Duration::from_millis(350));
    /// let newest = from_iter(0..10).latest().pace(slow, Limit::block(1));
    /// scheduler.schedule_periodic(newest.connect(seen.clone()), fast)?;
    /// scheduler.run_forever()?;
    /// assert!(seen.events().len() < 10 && seen.events().ends_with(&[9]));
    /// # }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[doc(alias = "onBackpressureLatest")]
    fn latest(self) -> Self::Piped<Latest<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Latest::new())
    }

    /// Sends what `f` makes of each event; the policy says what becomes of one for which it fails. Unlike in
    /// [`try_map`](crate::Elementwise::try_map), `f` borrows the event: a policy may try it again, or hand it to the dead letters.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let numbers = from_iter(["1", "x", "3"]).try_map_with(ErrorPolicy::skip(), |text: &&str| text.parse::<u8>());
    /// assert_eq!(numbers.collect_now(), [1, 3]);
    /// ```
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
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let warm = |text: &&str| text.parse::<f64>().map(|celsius| celsius > 20.0);
    /// assert_eq!(from_iter(["19", "?", "21"]).try_filter_with(ErrorPolicy::skip(), warm).collect_now(), ["21"]);
    /// ```
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
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use std::{cell::RefCell, rc::Rc};
    /// let (sum, total) = (Rc::new(RefCell::new(0)), Rc::default());
    /// # let _: &Rc<RefCell<i32>> = &total;
    /// let into = sum.clone();
    /// let add = move |text: &&str| text.parse::<i32>().map(|n| *into.borrow_mut() += n);
    /// let mut adding = from_iter(["1", "x", "3"]).try_for_each_with(ErrorPolicy::skip(), add);
    /// adding.run(&mut Context::detached(Instant::ZERO))?;
    /// assert_eq!(*sum.borrow(), 4);
    /// # Ok::<(), FatalError>(())
    /// ```
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
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let chain = pipe::<&str>().try_map(|text| if text.is_empty() { Err("empty") } else { Ok(text.len()) });
    /// let ended = chain.fatal_errors().to(call(|_| {})).feed(["one", ""]);
    /// assert!(ended.is_err());
    /// ```
    fn fatal_errors(self) -> Self::Piped<FatalErrors> {
        self.pipe(FatalErrors)
    }
}

impl<C: Chain> FlowControl for C {}
