//! [`NamedLines`] and [`CsvLines`]: readings that a board prints, a line each.

use heapless::Vec;
use thingflow_core::{SensorEvent, SensorId};

use super::{Decode, FrameError};

/// No line of a sensor is longer.
const LONGEST: usize = 120;

/// Lines of a name and a number: `lux 25.5`, `lux=25.5`, `lux: 25.5` or `lux,25.5`.
///
/// Only the names that are given beforehand count, so that noise makes no sensors. Empty lines are passed over.
///
/// A sketch for an Arduino:
///
/// ```c
/// void loop() {
///   Serial.print("lux "); Serial.println(analogRead(A0) * 0.5);
///   delay(1000);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct NamedLines<L> {
    names: L,
    line: Line,
}

/// A reading that brings the name of its sensor along.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Named {
    /// The sensor.
    pub name: SensorId,
    /// Its value, in the unit that the board prints.
    pub val: f64,
}

impl Named {
    /// The event of the board as the event of its sensor: for `board.map(Named::event)`.
    pub fn event(event: SensorEvent<Self>) -> SensorEvent<f64> {
        SensorEvent { sensor_id: event.val.name, ts: event.ts, val: event.val.val }
    }
}

impl<const N: usize> NamedLines<[SensorId; N]> {
    /// Lines of these sensors: `NamedLines::new(["lux", "temp"])`.
    pub fn new(names: [impl Into<SensorId>; N]) -> Self {
        Self { names: names.map(Into::into), line: Line::default() }
    }
}

#[cfg(feature = "std")]
impl NamedLines<alloc::vec::Vec<SensorId>> {
    /// Lines of sensors whose names are made at run time, such as those of a configuration file. See
    /// [`SensorId::intern`].
    pub fn intern(names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let names = names.into_iter().map(|name| SensorId::intern(name.as_ref()));
        Self { names: names.collect(), line: Line::default() }
    }
}

impl<L: AsRef<[SensorId]>> NamedLines<L> {
    fn parse(&self, line: &str) -> Result<Named, FrameError> {
        let expected = FrameError::Malformed("the name of a known sensor and a number");
        let split = line.find([' ', '\t', '=', ':', ',']).ok_or(expected)?;
        let (name, value) = (&line[..split], &line[split + 1..]);
        let called = |id: &&SensorId| **id == *name || name.parse().is_ok_and(|number: u64| **id == number);
        let name = *self.names.as_ref().iter().find(called).ok_or(expected)?;
        Ok(Named { name, val: number(value).ok_or(expected)? })
    }
}

impl<L: AsRef<[SensorId]>> Decode for NamedLines<L> {
    type Item = Named;

    fn push(&mut self, byte: u8) -> Option<Result<Named, FrameError>> {
        let end = self.line.push(byte)?;
        let reading = end.and_then(|()| self.parse(self.line.text()?));
        self.line.bytes.clear();
        Some(reading)
    }

    fn reset(&mut self) {
        self.line.reset();
    }
}

/// Lines of `N` numbers with a comma, a semicolon or a tab in between: `21.5,40,1013.2`.
///
/// A line with another number of them is an error: it is the first one, of which the beginning is missing, or a
/// heading. Empty lines are passed over.
#[derive(Clone, Debug, Default)]
pub struct CsvLines<const N: usize> {
    line: Line,
}

impl<const N: usize> CsvLines<N> {
    /// Lines of `N` numbers.
    pub fn new() -> Self {
        Self { line: Line::default() }
    }
}

impl<const N: usize> Decode for CsvLines<N> {
    type Item = [f64; N];

    fn push(&mut self, byte: u8) -> Option<Result<[f64; N], FrameError>> {
        let end = self.line.push(byte)?;
        let reading = end.and_then(|()| numbers(self.line.text()?));
        self.line.bytes.clear();
        Some(reading)
    }

    fn reset(&mut self) {
        self.line.reset();
    }
}

fn numbers<const N: usize>(line: &str) -> Result<[f64; N], FrameError> {
    let expected = FrameError::Malformed("as many numbers in a line as were announced");
    let mut fields = line.split([',', ';', '\t']);
    let mut values = [0.0; N];
    for value in &mut values {
        *value = fields.next().and_then(number).ok_or(expected)?;
    }
    if fields.next().is_some() { Err(expected) } else { Ok(values) }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

/// The line so far.
#[derive(Clone, Debug, Default)]
struct Line {
    bytes: Vec<u8, LONGEST>,
    /// It has become too long; what follows of it is passed over.
    too_long: bool,
    /// Its beginning is missing; what follows of it is passed over.
    beheaded: bool,
}

impl Line {
    fn reset(&mut self) {
        *self = Self { beheaded: true, ..Self::default() };
    }

    /// `Some` at the end of a line that is not empty.
    fn push(&mut self, byte: u8) -> Option<Result<(), FrameError>> {
        let ends = byte == b'\n' || byte == b'\r';
        if self.beheaded {
            self.beheaded = !ends;
            return None;
        }
        if !ends {
            if self.bytes.push(byte).is_err() {
                self.too_long = true;
            }
            return None;
        }
        if core::mem::take(&mut self.too_long) {
            return Some(Err(FrameError::TooLong));
        }
        if self.bytes.is_empty() { None } else { Some(Ok(())) }
    }

    fn text(&self) -> Result<&str, FrameError> {
        core::str::from_utf8(&self.bytes).map(str::trim).map_err(|_| FrameError::Malformed("a line of text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode<D: Decode>(mut decoder: D, bytes: &[u8]) -> std::vec::Vec<Result<D::Item, FrameError>> {
        bytes.iter().filter_map(|byte| decoder.push(*byte)).collect()
    }
    fn named(line: &str) -> Option<(SensorId, f64)> {
        let mut all = decode(NamedLines::new(["lux", "temp"]), format!("{line}\n").as_bytes());
        assert!(all.len() < 2, "{line}");
        all.pop()?.ok().map(|reading| (reading.name, reading.val))
    }

    #[test]
    fn takes_a_name_and_a_number() {
        for line in ["lux 25.5", "lux=25.5", "lux: 25.5", "lux,25.5", "  lux\t2.55e1  \r"] {
            assert_eq!(named(line), Some(("lux".into(), 25.5)), "{line}");
        }
        assert_eq!(named("temp -3"), Some(("temp".into(), -3.0)));
    }

    #[cfg(feature = "std")]
    #[test]
    fn names_may_come_from_a_configuration_file() {
        let config = "lux temp 7".to_owned();
        let all = decode(NamedLines::intern(config.split(' ')), b"lux 1\n7 2\n8 3\n");
        let good: std::vec::Vec<_> = all.into_iter().flatten().map(|reading| (reading.name, reading.val)).collect();
        assert_eq!(good, [(SensorId::intern(&config[..3]), 1.0), (7.into(), 2.0)]);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in ["", "lux", "lux ", "lux x", "lux nan", "lux inf", "co2 400", "25.5", "lux 1 2", "LUX 1"] {
            assert_eq!(named(line), None, "{line}");
        }
    }

    #[test]
    fn takes_as_many_numbers_as_announced() {
        let all = decode(CsvLines::<3>::new(), b"3,4\n1,2,3\r\n\r\n1;2;3\n1,2,3,4\na,b,c\n 1 ,\t2,3\n");
        let good: std::vec::Vec<_> = all.iter().flatten().collect();
        assert_eq!(good, [&[1.0, 2.0, 3.0]; 2]);
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn a_line_that_is_too_long_costs_itself_only() {
        let bytes = format!("{}\n7\n", "1".repeat(1000));
        assert_eq!(decode(CsvLines::<1>::new(), bytes.as_bytes()), [Err(FrameError::TooLong), Ok([7.0])]);
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm_and_the_next_line_counts(garbage in proptest::collection::vec(any::<u8>(), 0..500)) {
            let mut bytes = garbage;
            bytes.extend(b"\nlux 12.5\n");
            let all = decode(NamedLines::new(["lux"]), &bytes);
            prop_assert_eq!(all.last().copied(), Some(Ok(Named { name: "lux".into(), val: 12.5 })));
            bytes.extend(b"1,2\n");
            prop_assert_eq!(decode(CsvLines::<2>::new(), &bytes).last().copied(), Some(Ok([1.0, 2.0])));
        }
    }
}
