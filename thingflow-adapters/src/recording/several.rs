//! [`RecordedPorts`]: several ports that are recorded, or replayed, by one call.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thingflow_core::Port;

use super::error::RecordingError;
use super::recorder::Recording;
use super::replay::Replay;

/// The ports that a graph begins with: a tuple of up to twelve, whose events may be of several types, or an array of ports of
/// one type. See [`Recording::record`] and [`Replay::sources`].
pub trait RecordedPorts: Sized + sealed::Sealed {
    /// A name for each.
    type Names<'n>;

    #[doc(hidden)]
    fn record(&self, names: Self::Names<'_>, recording: &Recording) -> Result<(), RecordingError>;
    #[doc(hidden)]
    fn replay(names: Self::Names<'_>, replay: &mut Replay) -> Result<Self, RecordingError>;
}

mod sealed {
    pub trait Sealed {}
}

fn connect<T: Serialize + Clone + 'static>(
    port: &Port<T>,
    name: &str,
    recording: &Recording,
) -> Result<(), RecordingError> {
    port.connect(recording.stream(name)?);
    Ok(())
}

impl<T, const N: usize> sealed::Sealed for [Port<T>; N] {}

impl<T: Serialize + DeserializeOwned + Clone + 'static, const N: usize> RecordedPorts for [Port<T>; N] {
    type Names<'n> = [&'n str; N];

    fn record(&self, names: [&str; N], recording: &Recording) -> Result<(), RecordingError> {
        recording.check_names(names)?;
        self.iter().zip(names).try_for_each(|(port, name)| connect(port, name, recording))
    }

    fn replay(names: [&str; N], replay: &mut Replay) -> Result<Self, RecordingError> {
        replay.check_names(names)?;
        let ports = names.map(|_| Port::new());
        for (port, name) in ports.iter().zip(names) {
            replay.add(name, port);
        }
        Ok(ports)
    }
}

macro_rules! tuples {
    ($($n:literal: $($T:ident $at:tt)+;)+) => {
        $(
            impl<$($T),+> sealed::Sealed for ($(Port<$T>,)+) {}

            impl<$($T: Serialize + DeserializeOwned + Clone + 'static),+> RecordedPorts for ($(Port<$T>,)+) {
                type Names<'n> = [&'n str; $n];

                fn record(&self, names: [&str; $n], recording: &Recording) -> Result<(), RecordingError> {
                    recording.check_names(names)?;
                    $(connect(&self.$at, names[$at], recording)?;)+
                    Ok(())
                }

                fn replay(names: [&str; $n], replay: &mut Replay) -> Result<Self, RecordingError> {
                    replay.check_names(names)?;
                    Ok(($(replay.port::<$T>(names[$at])?,)+))
                }
            }
        )+
    };
}

tuples! {
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 F 5;
    7: A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    8: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    9: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    10: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    11: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    12: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
}
