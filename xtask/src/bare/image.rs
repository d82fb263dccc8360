//! What a program takes of a microcontroller's memory, read from its ELF file.

use object::{Object, ObjectSegment};

use crate::Result;

/// Where RAM begins on a Cortex-M.
const RAM: u64 = 0x2000_0000;

/// The sizes of a program in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// What is written to flash: code, constants, and the first values of variables.
    pub(super) flash: u64,
    /// Variables. The stack comes on top.
    pub(super) ram: u64,
}

impl Size {
    /// The sizes of the program in an ELF file.
    pub(super) fn of(elf: &[u8]) -> Result<Self> {
        let mut size = Self { flash: 0, ram: 0 };
        for segment in object::File::parse(elf)?.segments() {
            size.flash += segment.file_range().1;
            if segment.address() >= RAM {
                size.ram += segment.size();
            }
        }
        if size.flash == 0 { Err("the program is empty".into()) } else { Ok(size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file of 32 bits for Arm with these loaded segments: address, bytes in the file, bytes in memory.
    fn elf(segments: &[[u32; 3]]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
        bytes.resize(16, 0);
        let halves = |bytes: &mut Vec<u8>, list: &[u16]| list.iter().for_each(|half| bytes.extend(half.to_le_bytes()));
        let words = |bytes: &mut Vec<u8>, list: &[u32]| list.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        halves(&mut bytes, &[2, 40]); // an executable, for Arm
        words(&mut bytes, &[1, 0, 52, 0, 0]); // the table of segments follows this header
        halves(&mut bytes, &[52, 32, u16::try_from(segments.len()).unwrap(), 40, 0, 0]);
        for [address, in_file, in_memory] in segments {
            words(&mut bytes, &[1, 0, *address, *address, *in_file, *in_memory, 5, 4]);
        }
        bytes
    }

    #[test]
    fn code_variables_with_a_value_and_variables_of_zero() {
        let elf = elf(&[[0, 1000, 1000], [RAM as u32, 20, 20], [RAM as u32 + 20, 0, 300]]);
        assert_eq!(Size::of(&elf).unwrap(), Size { flash: 1020, ram: 320 });
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        assert!(Size::of(b"#!/bin/sh").is_err());
        assert!(Size::of(&elf(&[])).is_err());
    }
}
