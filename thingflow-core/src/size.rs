//! [`Size`]: how many events a window, queue or group holds, at least one.

use core::num::NonZeroUsize;

/// A number of events, at least one.
///
/// A literal converts into it, and 0 panics where it is written, as `chunks(0)` of the standard library does. A number
/// from outside (a command line, a configuration) goes through `NonZeroUsize`, which refuses 0 by type.
///
/// ```
/// use std::num::NonZeroUsize;
/// use thingflow_core::Size;
/// assert_eq!(Size::from(5).get(), 5);
/// let from_outside = NonZeroUsize::new("3".parse()?).ok_or("the window must hold at least one event")?;
/// assert_eq!(Size::from(from_outside).get(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(NonZeroUsize);

impl Size {
    /// The number.
    pub const fn get(self) -> usize {
        self.0.get()
    }
}

impl From<NonZeroUsize> for Size {
    fn from(n: NonZeroUsize) -> Self {
        Self(n)
    }
}

/// # Panics
/// If `n` is 0.
impl From<usize> for Size {
    #[track_caller]
    fn from(n: usize) -> Self {
        Self(NonZeroUsize::new(n).expect("a size of 0 would hold no event: use 1 or more"))
    }
}
