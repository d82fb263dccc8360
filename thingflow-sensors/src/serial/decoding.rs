//! [`Decoding`]: a decoder as a filter.

use thingflow_core::{Demand, Emitter, Filter, InputThing, Receipt, StreamError, Visitor};

use super::Decode;

/// Makes readings of pieces of bytes, in a chain. A frame that gives no reading is reported and left out.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::serial::{CsvLines, Decoding};
/// let pieces = ["1,2\n3", ",4\n", "oops\n5,6\n"];
/// let rows = from_iter(pieces).pipe(Decoding::new(CsvLines::new())).collect_now();
/// assert_eq!(rows, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Decoding<D> {
    decoder: D,
}

impl<D: Decode> Decoding<D> {
    /// A filter that decodes by `decoder`.
    pub fn new(decoder: D) -> Self {
        Self { decoder }
    }
}

impl<D: Decode, B: AsRef<[u8]>> Filter<B> for Decoding<D> {
    type Out = D::Item;

    fn on_next(&mut self, piece: B, out: &mut Emitter<'_, '_, impl InputThing<D::Item>>) -> Receipt {
        let mut demand = Demand::More;
        for byte in piece.as_ref() {
            match self.decoder.push(*byte) {
                None => {}
                Some(Ok(reading)) => {
                    demand = demand.and(out.next(reading)?);
                    if demand == Demand::Done {
                        break;
                    }
                }
                Some(Err(error)) => {
                    out.context().report("decoding", &StreamError::caused("a reading is lost", error));
                }
            }
        }
        Ok(demand)
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("decoding");
    }
}

#[cfg(test)]
mod tests {
    use super::super::CsvLines;
    use super::*;
    use thingflow_core::prelude::*;

    #[test]
    fn stops_when_nobody_wants_more() {
        let lines = from_iter(["1\n2\n3\n"]).pipe(Decoding::new(CsvLines::<1>::new()));
        assert_eq!(lines.map(|[n]: [f64; 1]| n).take(2).collect_now(), [1.0, 2.0]);
    }
}
