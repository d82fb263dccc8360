//! The other end of `firmware/flash`: takes the readings that a board has kept in its flash, and answers with the number of each. As on
//! a line that is disturbed, some do not arrive, and some answers do not: then it asks again.
//!
//! It ends with an error if a reading is missing, or came twice without a mark. `cargo xtask bare` runs it.

use std::error::Error;
use std::io::{self, Read, Write};

use thingflow::sensors::serial::{Decode, PostcardFrames, encode};

/// Every so many frames one is lost, and every so many answers.
const LOSES: (u32, u32) = (17, 23);

/// Asks for the reading once more.
const AGAIN: u32 = u32::MAX;

fn main() -> Result<(), Box<dyn Error>> {
    let Fetched { readings, again, .. } = fetch(io::stdin().lock(), io::stdout().lock())?;
    eprintln!("{readings} readings fetched, {again} came again with a mark: none lost");
    Ok(())
}

#[derive(Debug, Default, PartialEq)]
struct Fetched {
    /// How many have been taken, from number 0 on.
    readings: u32,
    /// How many came once more.
    again: u32,
    frames: u32,
}

impl Fetched {
    /// Takes a reading.
    fn take(&mut self, number: u32, is_marked: bool) -> Result<(), String> {
        match number {
            _ if number == self.readings => self.readings += 1,
            _ if number > self.readings => return Err(format!("lost: {number} came after {} readings", self.readings)),
            _ if is_marked => self.again += 1,
            _ => return Err(format!("duplicate without a mark: {number}")),
        }
        Ok(())
    }
}

/// Takes readings until the line ends.
fn fetch(line: impl Read, mut answers: impl Write) -> Result<Fetched, Box<dyn Error>> {
    let (mut fetched, mut frames, mut frame) = (Fetched::default(), PostcardFrames::<(u32, bool), 16>::new(), [0; 16]);
    for byte in io::BufReader::new(line).bytes() {
        let Some(reading) = frames.push(byte?) else { continue };
        fetched.frames += 1;
        let mut answer = AGAIN;
        if let Some((number, is_marked)) = reading.ok().filter(|_| !fetched.frames.is_multiple_of(LOSES.0)) {
            fetched.take(number, is_marked)?;
            answer = if fetched.frames.is_multiple_of(LOSES.1) { AGAIN } else { number };
        }
        answers.write_all(encode(&answer, &mut frame)?)?;
        answers.flush()?;
    }
    Ok(fetched)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(sent: &[(u32, bool)]) -> Result<Fetched, String> {
        let mut line = Vec::new();
        for reading in sent {
            line.extend_from_slice(encode(reading, &mut [0; 16]).map_err(|error| error.to_string())?);
        }
        fetch(line.as_slice(), io::sink()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_gap_and_an_unmarked_duplicate_are_found() {
        let sound = fetched(&[(0, false), (1, true), (1, true), (2, false)]);
        assert_eq!(sound, Ok(Fetched { readings: 3, again: 1, frames: 4 }));
        assert_eq!(fetched(&[(0, false), (2, true)]), Err("lost: 2 came after 1 readings".into()));
        assert_eq!(fetched(&[(0, false), (0, false)]), Err("duplicate without a mark: 0".into()));
    }
}
