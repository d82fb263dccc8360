//! `unzip()`: sends the parts of each event, a tuple, to a port each.
//!
//! Holds nothing.

use super::split::Slots;

/// A tuple of two to four parts. Use [`slots`](Self::slots) with a [`Split`](super::Split) where the chain is a flow; on
/// ports there is [`unzip`](super::Splitting::unzip).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// use thingflow_core::splitting::{Split, Unzip};
/// let split = Split::new(<(u8, char)>::slots);
/// let (numbers, letters) = split.ports();
/// let (seen_numbers, seen_letters) = (Recorder::new(), Recorder::new());
/// numbers.connect(seen_numbers.clone());
/// letters.connect(seen_letters.clone());
/// from_iter([(1, 'a'), (2, 'b')]).connect(split).run(&mut Context::detached(Instant::ZERO))?;
/// assert_eq!([seen_numbers.text(), seen_letters.text()], ["1 2 |", "'a' 'b' |"]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
pub trait Unzip {
    /// An option for each part.
    type Slots: Slots;
    /// Each part as an event for its port.
    fn slots(self) -> Self::Slots;
}

macro_rules! unzip {
    ($($part:ident $n:tt),+) => {
        impl<$($part: Clone + 'static),+> Unzip for ($($part,)+) {
            type Slots = ($(Option<$part>,)+);
            fn slots(self) -> Self::Slots {
                ($(Some(self.$n),)+)
            }
        }
    };
}
unzip!(A 0, B 1);
unzip!(A 0, B 1, C 2);
unzip!(A 0, B 1, C 2, D 3);
