//! Three kinds of failure, by who must act.
//!
//! A *sample error* is one missing reading: the schedule's policy decides. A [`StreamError`] travels down a port and
//! ends it, the rest runs on. A [`FatalError`] ends the run: every Thing is closed and the
//! scheduler returns a [`RunError`].

use core::error::Error;
use core::fmt;

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, string::String, sync::Arc};

/// Why a stream ended. Cheap to clone: each branch gets its own.
///
/// Two errors are equal if they read the same.
///
/// ```
/// use thingflow_core::StreamError;
/// assert_eq!(StreamError::new("no elements").to_string(), "no elements");
/// ```
#[derive(Clone)]
pub struct StreamError {
    what: &'static str,
    #[cfg(feature = "alloc")]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl StreamError {
    /// An error that one sentence explains.
    pub const fn new(what: &'static str) -> Self {
        Self {
            what,
            #[cfg(feature = "alloc")]
            cause: None,
        }
    }

    /// An error caused by another one; its text and its own causes follow `what`.
    ///
    /// Without the feature `alloc` only `what` is kept.
    pub fn caused(what: &'static str, cause: impl Error + Send + Sync + 'static) -> Self {
        #[cfg(not(feature = "alloc"))]
        let _ = cause;
        Self {
            what,
            #[cfg(feature = "alloc")]
            cause: Some(Arc::new(cause)),
        }
    }

    /// The error of something else as that of a stream: it reads as `cause` does, and its source is `cause` itself, so that it
    /// can be looked at as what it is. A cause that is a `StreamError` is given back. Without the feature `alloc` a cause is a
    /// `&'static str`, or converts into one.
    ///
    /// This is what becomes of the errors of closures, as in [`try_map`](crate::Elementwise::try_map).
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use std::{error::Error, io, io::ErrorKind};
    /// use thingflow_core::StreamError;
    /// let error = StreamError::from_cause(io::Error::from(ErrorKind::StorageFull));
    /// assert_eq!(error.to_string(), "no storage space");
    /// let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    /// assert_eq!(cause.map(io::Error::kind), Some(ErrorKind::StorageFull));
    /// # }
    /// ```
    #[cfg(feature = "alloc")]
    #[cold]
    pub fn from_cause(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match cause.into().downcast::<Self>() {
            Ok(error) => *error,
            Err(cause) => Self { what: "", cause: Some(cause.into()) },
        }
    }

    /// From a text that explains it.
    #[cfg(not(feature = "alloc"))]
    #[cold]
    pub fn from_cause(cause: impl Into<&'static str>) -> Self {
        Self::new(cause.into())
    }

    /// An error with a text made at run time.
    #[cfg(feature = "alloc")]
    pub fn msg(text: impl Into<String>) -> Self {
        Self { what: "", cause: Some(Arc::new(Message(text.into()))) }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        #[cfg(feature = "alloc")]
        if let Some(cause) = &self.cause {
            f.write_str(if self.what.is_empty() { "" } else { ": " })?;
            write!(f, "{cause}")?;
        }
        Ok(())
    }
}

/// As `Display`, with the chain of causes.
impl fmt::Debug for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_chain(self, f)
    }
}

impl PartialEq for StreamError {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(feature = "alloc")]
        return alloc::format!("{self}") == alloc::format!("{other}");
        #[cfg(not(feature = "alloc"))]
        return self.what == other.what;
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        #[cfg(feature = "alloc")]
        return match &self.cause {
            Some(cause) if cause.is::<Message>() => None, // its text is this error's own
            Some(cause) => Some(&**cause),
            None => None,
        };
        #[cfg(not(feature = "alloc"))]
        None
    }
}

/// Writes an error and all its causes, each once: a text that has that of its cause in it has said it. For the `Debug` of errors,
/// which is what a `main` that returns one shows. Without an allocator, the error alone.
///
/// ```
/// use std::{error::Error, fmt, io};
/// struct NoFile(io::Error);
/// impl fmt::Display for NoFile {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("cannot read the settings")
///     }
/// }
/// impl fmt::Debug for NoFile {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         thingflow_core::fmt_chain(self, f)
///     }
/// }
/// impl Error for NoFile {
///     fn source(&self) -> Option<&(dyn Error + 'static)> {
///         Some(&self.0)
///     }
/// }
/// # #[cfg(feature = "alloc")]
/// assert_eq!(format!("{:?}", NoFile(io::Error::other("no card"))), "cannot read the settings: no card");
/// ```
///
/// # Errors
/// Those of the formatter.
pub fn fmt_chain(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    #[cfg(feature = "alloc")]
    {
        let mut said = alloc::format!("{error}");
        let mut source = error.source();
        while let Some(cause) = source {
            let text = alloc::format!("{cause}");
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = said + ": " + &text;
            }
            source = cause.source();
        }
    }
    Ok(())
}

/// Says that the run cannot go on. Made by [`Context::fatal`](crate::Context::fatal), which keeps what happened, so this is
/// a token without a size and a [`Receipt`](crate::Receipt) is one word. [`Context::take_error`](crate::Context::take_error)
/// gives what happened.
#[must_use = "a fatal error must travel back to the scheduler"]
pub struct FatalError(pub(crate) ());

impl fmt::Display for FatalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fatal error, whose cause is in the context of the call")
    }
}

impl fmt::Debug for FatalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for FatalError {}

/// What a run may end by: any error or text. Without an allocator a text that is in the program.
#[cfg(feature = "alloc")]
pub(crate) type Cause = Box<dyn Error + Send + Sync>;
#[cfg(not(feature = "alloc"))]
pub(crate) type Cause = &'static str;

/// How a run ended that could not go on: the Thing that failed, if known, and the cause.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::prelude::*;
/// let full = pipe::<i32>().to(try_call(|x| if x < 2 { Ok(()) } else { Err("the disk is full") })).feed(0..9);
/// assert_eq!(full.unwrap_err().to_string(), "the disk is full");
/// # }
/// ```
pub struct RunError {
    #[cfg(feature = "alloc")]
    thing: Option<String>,
    cause: Cause,
}

impl RunError {
    /// From an error, or from a text that explains it.
    #[cfg(feature = "alloc")]
    #[cold]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { thing: None, cause: cause.into() }
    }

    /// From a text that explains it.
    #[cfg(not(feature = "alloc"))]
    #[cold]
    pub fn new(cause: impl Into<&'static str>) -> Self {
        Self { cause: cause.into() }
    }

    /// The name of the Thing that failed, if known.
    #[cfg(feature = "alloc")]
    pub fn thing(&self) -> Option<&str> {
        self.thing.as_deref()
    }

    /// Names the Thing, unless one nearer to the cause has been named.
    #[cfg(feature = "alloc")]
    pub(crate) fn name_thing(&mut self, name: impl FnOnce() -> String) {
        self.thing.get_or_insert_with(name);
    }

    /// Names the stage that has failed in a chain that shows itself to `describe`, unless one is named.
    #[cfg(feature = "std")]
    pub(crate) fn name_stage(&mut self, describe: impl FnOnce(&mut dyn crate::Visitor)) {
        if self.thing.is_none() {
            self.thing = crate::witness::culprit_in(describe);
        }
    }

    /// Names the Thing anew: on a thread that has a name, this is what the user knows it by.
    #[cfg(feature = "std")]
    pub(crate) fn rename_thing(&mut self, name: String) {
        self.thing = Some(name);
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "alloc")]
        if let Some(thing) = &self.thing {
            write!(f, "{thing}: ")?;
        }
        self.cause.fmt(f)
    }
}

/// As `Display`, with the chain of causes, each said once: what `main` prints when it returns the error.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_chain(self, f)
    }
}

/// The source is the cause itself, so that it can be looked at as what it is.
///
/// ```
/// # #[cfg(feature = "std")] {
/// # use std::error::Error;
/// # use std::io::{self, ErrorKind};
/// use thingflow_core::prelude::*;
/// let write = |_: i32| Err::<(), _>(io::Error::from(ErrorKind::StorageFull));
/// let error = pipe::<i32>().to(try_call(write)).feed([1]).unwrap_err();
/// let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
/// assert_eq!(cause.map(io::Error::kind), Some(ErrorKind::StorageFull));
/// assert_eq!(format!("{error:?}"), "no storage space"); // what `main` prints: each cause once
/// # }
/// ```
impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        #[cfg(feature = "alloc")]
        return Some(&*self.cause);
        #[cfg(not(feature = "alloc"))]
        None
    }
}

/// How a source says that it has nothing yet.
pub(crate) const NOT_YET: &str = "there is no reading yet";

/// Why a source gave no event this time.
pub enum Failure {
    /// One reading is missing; the schedule's policy decides what that means.
    Sample(StreamError),
    /// There is nothing yet, and that is no failure: nothing is sent, and the next call asks again.
    NotYet,
    /// The run cannot go on.
    Fatal(FatalError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample(error) => error.fmt(f),
            Self::NotYet => f.write_str(NOT_YET),
            Self::Fatal(error) => error.fmt(f),
        }
    }
}

/// As `Display`, with the chain of causes.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_chain(self, f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Sample(error) => error.source(),
            Self::NotYet | Self::Fatal(_) => None,
        }
    }
}

impl From<FatalError> for Failure {
    fn from(error: FatalError) -> Self {
        Self::Fatal(error)
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        Self::Sample(error)
    }
}

/// A sample error: for a source that reads a file or a socket, by `?`.
#[cfg(feature = "std")]
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        StreamError::caused("the source cannot be read", error).into()
    }
}

/// A text that is its own error.
#[cfg(feature = "alloc")]
#[derive(Debug)]
struct Message(String);

#[cfg(feature = "alloc")]
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "alloc")]
impl Error for Message {}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// Says itself what its cause is.
    #[derive(Debug)]
    struct Disk(std::io::Error);
    impl fmt::Display for Disk {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "cannot write: {}; buy another", self.0)
        }
    }
    impl Error for Disk {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn f13_a_cause_is_said_once() {
        let full = || Disk(std::io::Error::other("full"));
        assert_eq!(alloc::format!("{:?}", RunError::new(full())), "cannot write: full; buy another");
        let outer = std::io::Error::other(full());
        assert_eq!(alloc::format!("{:?}", RunError::new(outer)), "cannot write: full; buy another");
    }
}
