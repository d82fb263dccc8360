//! [`PostcardFrames`]: messages of a microcontroller in the format of `postcard`, framed by COBS.
//!
//! A frame ends with a zero byte and has none inside, so that whoever listens finds the next frame after any garbage.
//! Since `postcard` would read many a garbled frame as a message, each one carries a checksum.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;
use core::mem::take;

use heapless::Vec;
use postcard::ser_flavors::Flavor;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use thingflow_core::{SensorEvent, SensorId, Timestamp};

use super::{Decode, FrameError};

/// Messages of the type `T`, in frames of up to `N` bytes.
///
/// The other end, which needs no `std` and no allocator, sends them by [`encode`]. In other languages: a message in the
/// format of `postcard`; its length as a varint before it; its CRC-16 (CCITT, start 0xFFFF) as a varint after it; all
/// of that in COBS, and a zero byte.
///
/// ```
/// use thingflow_sensors::serial::{Decode, Message, PostcardFrames, encode};
/// let mut frame = [0; 32];
/// let sent = Message { sensor: 3, ticks: 1_500, value: 21.5 };
/// let bytes = encode(&sent, &mut frame)?;
/// let mut frames = PostcardFrames::<Message, 32>::new();
/// let received = bytes.iter().find_map(|byte| frames.push(*byte));
/// assert_eq!(received, Some(Ok(sent)));
/// # Ok::<(), thingflow_sensors::serial::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PostcardFrames<T, const N: usize> {
    frame: Vec<u8, N>,
    too_long: bool,
    /// The beginning of the frame is missing.
    beheaded: bool,
    checked: bool,
    message: PhantomData<fn() -> T>,
}

/// A reading as small boards send it. Any type that `serde` knows will do instead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The number of the sensor on its board.
    pub sensor: u16,
    /// When the reading was taken, in the ticks of the board's scheduler.
    pub ticks: u32,
    /// The reading. A message with one that is not a finite number is no message.
    #[serde(deserialize_with = "finite")]
    pub value: f32,
}

impl Message {
    /// The event that the message tells of, as of the time at which it came.
    pub fn event(self, received: Timestamp) -> SensorEvent<f64> {
        SensorEvent::new(SensorId::from(u64::from(self.sensor)), received, self.value.into())
    }
}

fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let value = f32::deserialize(from)?;
    if value.is_finite() { Ok(value) } else { Err(D::Error::custom("the reading is not a finite number")) }
}

/// What a frame holds.
#[derive(Serialize, Deserialize)]
struct Checked<'a> {
    message: &'a [u8],
    checksum: u16,
}

impl<T: DeserializeOwned, const N: usize> PostcardFrames<T, N> {
    /// Frames as [`encode`] makes them.
    pub fn new() -> Self {
        Self { frame: Vec::new(), too_long: false, beheaded: false, checked: true, message: PhantomData }
    }

    /// Frames without a checksum, of a board that sends the bare messages (`postcard::to_slice_cobs`).
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { checked: false, ..self }
    }

    fn decode(&mut self) -> Result<T, FrameError> {
        let expected = FrameError::Malformed("a message in the format of postcard");
        if !self.checked {
            return postcard::from_bytes_cobs(&mut self.frame).map_err(|_| expected);
        }
        let frame: Checked<'_> = postcard::from_bytes_cobs(&mut self.frame).map_err(|_| FrameError::Checksum)?;
        if crc16(frame.message) != frame.checksum {
            return Err(FrameError::Checksum);
        }
        match postcard::take_from_bytes(frame.message) {
            Ok((message, [])) => Ok(message),
            _ => Err(expected), // of another type
        }
    }
}

impl<T: DeserializeOwned, const N: usize> Default for PostcardFrames<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: DeserializeOwned, const N: usize> Decode for PostcardFrames<T, N> {
    type Item = T;

    fn push(&mut self, byte: u8) -> Option<Result<T, FrameError>> {
        self.too_long |= self.frame.push(byte).is_err();
        if byte != 0 {
            return None;
        }
        let (beheaded, too_long) = (take(&mut self.beheaded), take(&mut self.too_long));
        let message = match too_long {
            _ if beheaded => None,
            true => Some(Err(FrameError::TooLong)),
            false if self.frame.len() == 1 => None, // a zero before the first frame
            false => Some(self.decode()),
        };
        self.frame.clear();
        message
    }

    fn reset(&mut self) {
        self.frame.clear();
        (self.beheaded, self.too_long) = (true, false);
    }
}

/// Writes the frame of a message of up to 240 bytes into `buffer`, which it exceeds by up to 7.
///
/// # Errors
/// If the message is longer or the buffer too small, or if `postcard` has no format for the type.
pub fn encode<'b, T: Serialize>(message: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
    let (length, checksum) = postcard::serialize_with_flavor(message, Sum::default()).map_err(EncodeError)?;
    // The bytes of a `Checked`, without a place for those of the message.
    postcard::to_slice_cobs(&(length, message, checksum), buffer).map(|frame| &*frame).map_err(EncodeError)
}

/// The longest message.
const LONGEST: u16 = 240;

/// Takes the bytes of a message only to count them and to make their checksum.
struct Sum {
    length: u16,
    checksum: u16,
}

impl Default for Sum {
    fn default() -> Self {
        Self { length: 0, checksum: crc16(&[]) }
    }
}

impl Flavor for Sum {
    type Output = (u16, u16);
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.length += 1;
        self.checksum = crc16_and(self.checksum, byte);
        if self.length > LONGEST { Err(postcard::Error::SerializeBufferFull) } else { Ok(()) }
    }
    fn finalize(self) -> postcard::Result<(u16, u16)> {
        Ok((self.length, self.checksum))
    }
}

/// Why a message has no frame.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodeError(postcard::Error);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the message does not fit in a frame: {}; give it a larger buffer", self.0)
    }
}

/// As `Display`.
impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// CRC-16 of the CCITT, with the start 0xFFFF.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| crc16_and(crc, *byte))
}

/// The checksum with one more byte.
fn crc16_and(crc: u16, byte: u8) -> u16 {
    (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> std::vec::Vec<Result<Message, FrameError>> {
        let mut frames = PostcardFrames::<Message, 32>::new();
        bytes.iter().filter_map(|byte| frames.push(*byte)).collect()
    }
    fn frame(message: &Message) -> std::vec::Vec<u8> {
        let mut buffer = [0; 32];
        encode(message, &mut buffer).unwrap().to_vec()
    }
    fn message() -> impl Strategy<Value = Message> {
        let value = any::<f32>().prop_filter("others are refused", |value| value.is_finite());
        (any::<u16>(), any::<u32>(), value).prop_map(|(sensor, ticks, value)| Message { sensor, ticks, value })
    }

    #[test]
    fn a_frame_is_what_the_documentation_says() {
        assert_eq!(crc16(b"123456789"), 0x29B1); // the check value of the catalogue of CRCs
        let bytes = frame(&Message { sensor: 3, ticks: 300, value: 1.0 });
        let plain = [7, 3, 0xAC, 2, 0, 0, 0x80, 0x3F]; // length, sensor, ticks as a varint, the float's bytes
        let crc = crc16(&plain[1..]);
        assert!(crc >= 1 << 14, "three bytes as a varint");
        let mut expected = vec![5, 7, 3, 0xAC, 2, 1, 6, 0x80, 0x3F]; // each zero gives way to the distance to the next
        expected.extend([crc as u8 | 0x80, (crc >> 7) as u8 | 0x80, (crc >> 14) as u8, 0]);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn bare_messages_on_demand() {
        let message = Message { sensor: 1, ticks: 2, value: 3.0 };
        let mut buffer = [0; 32];
        let bare = postcard::to_slice_cobs(&message, &mut buffer).unwrap();
        let mut frames = PostcardFrames::<Message, 32>::new().unchecked();
        assert_eq!(bare.iter().find_map(|byte| frames.push(*byte)), Some(Ok(message)));
    }

    #[test]
    fn the_end_of_a_frame_is_no_message() {
        let message = Message { sensor: 1, ticks: 2, value: 3.0 };
        let mut buffer = [0; 32];
        let bare = postcard::to_slice_cobs(&message, &mut buffer).unwrap();
        let mut frames = PostcardFrames::<u8, 32>::new().unchecked();
        frames.reset();
        assert_eq!(bare[2..].iter().find_map(|byte| frames.push(*byte)), None);
        assert_eq!([2, 7, 0].iter().find_map(|byte| frames.push(*byte)), Some(Ok(7)));
    }

    #[test]
    fn f20_a_message_without_a_number_is_none() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let told = decode(&frame(&Message { sensor: 3, ticks: 300, value }));
            assert_eq!(told, [Err(FrameError::Malformed("a message in the format of postcard"))], "{value}");
        }
    }

    #[test]
    fn an_event_has_the_number_of_its_sensor() {
        let event = Message { sensor: 3, ticks: 300, value: 1.5 }.event(Timestamp::from_secs(1));
        assert_eq!(event, SensorEvent::new(3, Timestamp::from_secs(1), 1.5));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let error = encode(&Message { sensor: 3, ticks: 300, value: 1.5 }, &mut [0; 8]).unwrap_err().to_string();
        assert!(error.starts_with("the message does not fit in a frame: "), "{error}");
        assert_eq!(decode(&[[1; 40].as_slice(), &[0]].concat()), [Err(FrameError::TooLong)]);
    }

    proptest! {
        #[test]
        fn messages_come_through(messages in proptest::collection::vec(message(), 0..20)) {
            let bytes: std::vec::Vec<u8> = messages.iter().flat_map(frame).collect();
            let received: Result<std::vec::Vec<_>, _> = decode(&bytes).into_iter().collect();
            prop_assert_eq!(received.unwrap(), messages);
        }

        #[test]
        fn any_bytes_do_no_harm_and_the_next_frame_counts(
            garbage in proptest::collection::vec(any::<u8>(), 0..200), message in message(),
        ) {
            let bytes = [garbage, vec![0], frame(&message)].concat();
            prop_assert_eq!(decode(&bytes).last().copied(), Some(Ok(message)));
        }

        #[test]
        fn a_changed_byte_makes_no_other_message(message in message(), at in 0_usize..12, change in 1_u8..) {
            let mut bytes = frame(&message);
            let at = at % (bytes.len() - 1);
            bytes[at] ^= change;
            bytes.extend(frame(&message));
            let all = decode(&bytes);
            prop_assert!(all.iter().flatten().all(|received| *received == message), "{:?}", all);
            prop_assert_eq!(all.last().copied(), Some(Ok(message)));
        }
    }
}
