//! Operators on how a stream begins and ends.

#[cfg(feature = "alloc")]
mod catch;
mod catch_with;
mod default_if_empty;
mod dematerialize;
mod end_with;
mod finalize;
mod materialize;
mod start_with;

#[cfg(feature = "alloc")]
pub use catch::Catch;
pub use catch_with::CatchWith;
pub use default_if_empty::DefaultIfEmpty;
pub use dematerialize::Dematerialize;
pub use end_with::EndWith;
pub use finalize::Finalize;
pub use materialize::{Materialize, Notification};
pub use start_with::StartWith;

use crate::chain::Chain;
use crate::error::StreamError;

#[cfg(feature = "alloc")]
use crate::port::{Branch, Port};

/// Operators on how a stream begins and ends, as methods of every [`Chain`].
pub trait Ends: Chain {
    /// Sends each event, and the end, as a [`Notification`]; then it completes.
    ///
    /// What comes out always completes, also after an error.
    ///
    /// Holds nothing. Sends `Notification<T>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// use thingflow_core::ends::Notification::{Completed, Error, Next};
    /// assert_eq!(from_iter([1]).materialize().collect_now(), [Next(1), Completed]);
    /// let broken = try_from_iter([Ok(1), Err("broken")]).materialize();
    /// assert_eq!(broken.collect_now(), [Next(1), Error(StreamError::new("broken"))]);
    /// # }
    /// ```
    fn materialize(self) -> Self::Piped<Materialize> {
        self.pipe(Materialize)
    }

    /// Does what each [`Notification`] says.
    ///
    /// A notification of the end ends the stream, and it asks for no more.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// use thingflow_core::ends::Notification::{Completed, Error, Next};
    /// assert_eq!(from_iter([Next(1), Completed, Next(2)]).dematerialize().collect_now(), [1]);
    /// let (seen, error) = from_iter([Next(1), Error(StreamError::new("broken"))]).dematerialize().try_collect_now();
    /// assert_eq!((seen, error), (vec![1], Some(StreamError::new("broken"))));
    /// # }
    /// ```
    fn dematerialize<T>(self) -> Self::Piped<Dematerialize>
    where
        Self: Chain<Item = Notification<T>>,
    {
        self.pipe(Dematerialize)
    }

    /// If the stream ends by an error, sends what `f` makes of that, then completes.
    ///
    /// To go on with another stream see [`catch`](Self::catch).
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let broken = || try_from_iter([Ok(20.5), Err("no answer"), Ok(21.0)]);
    /// assert_eq!(broken().catch_with(|_| [-1.0]).collect_now(), [20.5, -1.0]);
    /// assert_eq!(broken().catch_with(|_| None).collect_now(), [20.5]); // as if it had ended as it should
    /// # }
    /// ```
    #[doc(alias = "on_error_return")]
    fn catch_with<I, F>(self, f: F) -> Self::Piped<CatchWith<F>>
    where
        I: IntoIterator<Item = Self::Item>,
        F: FnMut(StreamError) -> I + 'static,
    {
        self.pipe(CatchWith(f))
    }

    /// If the stream ends by an error, goes on with the port that `f` gives. What comes of it is a port.
    ///
    /// The other port begins to be listened to at the error, and a source behind it that nobody has listened to begins then; one
    /// that is to go on from the beginning [keeps running](Port::keep_running). An error of that one is final. To go on with
    /// events at hand see [`catch_with`](Self::catch_with); to try the same source again see
    /// [`retry`](crate::retry). With [`timeout`](crate::Timing::timeout) in front it goes on when no event comes.
    ///
    /// Holds nothing. Sends `T`, from a port.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// let (main, spare, seen) = (Port::<i32>::new(), Port::new(), Recorder::new());
    /// let instead = spare.clone();
    /// main.catch(move |error| {
    ///     println!("going on with the spare sensor: {error}");
    ///     instead
    /// })
    /// .connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// main.emit(1, cx)?;
    /// main.fail(StreamError::new("no answer"), cx)?;
    /// spare.emit(2, cx)?;
    /// spare.complete(cx)?;
    /// assert_eq!(seen.text(), "1 2 |");
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "on_error_resume_next")]
    fn catch<F>(self, f: F) -> Port<Self::Item>
    where
        Self: Branch,
        Self::Item: Clone + 'static,
        F: FnOnce(StreamError) -> Port<Self::Item> + 'static,
    {
        let catch = Catch::new(f);
        let port = catch.port().clone();
        self.attach(catch);
        port
    }

    /// Sends `events` first, when the graph starts to run.
    ///
    /// They are sent when the graph starts to run.
    ///
    /// Holds the events given to it, until the start. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([3, 4]).start_with([1, 2]).collect_now(), [1, 2, 3, 4]);
    /// ```
    #[doc(alias = "prepend")]
    #[doc(alias = "begin_with")]
    fn start_with<I: IntoIterator<Item = Self::Item> + 'static>(self, events: I) -> Self::Piped<StartWith<I>> {
        self.pipe(StartWith(Some(events)))
    }

    /// Sends `events` last, when the stream completes.
    ///
    /// They are sent when the stream completes; an error ends it without them.
    ///
    /// Holds the events given to it. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([1, 2]).end_with([3, 4]).collect_now(), [1, 2, 3, 4]);
    /// ```
    #[doc(alias = "append")]
    fn end_with<I: IntoIterator<Item = Self::Item> + 'static>(self, events: I) -> Self::Piped<EndWith<I>> {
        self.pipe(EndWith(Some(events)))
    }

    /// Calls `f` once when the stream is over: completed, ended by an error, or let go.
    ///
    /// The function is called after the end has been passed on, after an error, too; and when the chain is dropped
    /// before its end: disconnected, or because those downstream wanted no more.
    ///
    /// Holds the function. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use thingflow_core::testing::Recorder;
    /// let (heater, off) = (Recorder::new(), Port::new());
    /// off.connect(heater.clone());
    /// let (readings, switch) = (Port::<f64>::new(), off.clone());
    /// let wire = readings.finalize(move || drop(switch.emit("off", &mut Context::detached(Instant::ZERO)))).connect(call(drop));
    /// wire.disconnect();
    /// assert_eq!(heater.events(), ["off"]);
    /// # }
    /// ```
    #[doc(alias = "finally")]
    #[doc(alias = "on_dispose")]
    fn finalize<F: FnOnce() + 'static>(self, f: F) -> Self::Piped<Finalize<F>> {
        self.pipe(Finalize(Some(f)))
    }

    /// Sends `value` if the stream completes without any event.
    ///
    /// Holds one event: the default. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([1, 2]).filter(|x| *x > 5).default_if_empty(0).collect_now(), [0]);
    /// assert_eq!(from_iter([6, 7]).filter(|x| *x > 5).default_if_empty(0).collect_now(), [6, 7]);
    /// # }
    /// ```
    fn default_if_empty(self, value: Self::Item) -> Self::Piped<DefaultIfEmpty<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(DefaultIfEmpty(Some(value)))
    }
}

impl<C: Chain> Ends for C {}
