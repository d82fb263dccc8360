//! Whether the bytes of a HyperLogLog sketch agree with each other, before the library believes them.
//!
//! The layout is that of HLL_4 in Apache DataSketches, little-endian. It begins with eight bytes of preamble. A sketch of few values has
//! their coupons from there on, which are what is kept of a value; of some more, their number stands before them. One of many has
//! what the estimator has accumulated, the sums of 2^-register below and from 32, how many registers are at the smallest value, how many
//! are exceptions; then the registers, two in a byte, as what they are above the smallest value, and the exceptions, whose values do not
//! fit in four bits.

/// A register that is an exception.
const EXCEPTION: u8 = 15;
/// The largest value of a register.
const LARGEST: u8 = 63;

/// A list of coupons has fewer than this: with one more it becomes a set.
const LIST: usize = 8;

/// What is wrong with the bytes makes the library count nonsense, count on for ever at the same number, or panic at the next value.
pub(super) fn agree(bytes: &[u8], log_registers: u8) -> bool {
    let agrees = || {
        let (flags, count, mode) = (*bytes.get(5)?, *bytes.get(6)?, *bytes.get(7)?);
        let is_compact_in_four_bits = flags & 8 != 0 && mode >> 2 & 3 == 0;
        let agrees = match mode & 3 {
            0 => usize::from(count) < LIST && coupons_agree(bytes.get(8..)?, count.into()),
            1 => coupons_agree(bytes.get(12..)?, word(bytes, 8)?),
            _ => registers_agree(bytes, 1 << log_registers)?,
        };
        Some(is_compact_in_four_bits && agrees)
    };
    agrees().unwrap_or(false)
}

/// Whether there are so many coupons, and each is one of a value, which is at least 1. Of a set the library sees whether they differ.
fn coupons_agree(coupons: &[u8], count: u32) -> bool {
    let coupons: Vec<u32> = coupons.chunks(4).map_while(|coupon| word(coupon, 0)).collect();
    let differ = coupons.len() >= LIST || coupons.iter().enumerate().all(|(at, one)| !coupons[..at].contains(one));
    coupons.len() as u64 == u64::from(count) && differ && coupons.iter().all(|coupon| coupon >> 26 > 0)
}

fn registers_agree(bytes: &[u8], number: usize) -> Option<bool> {
    let (flags, smallest) = (*bytes.get(5)?, *bytes.get(6)?);
    let [accumulated, low, high] = [float(bytes, 8)?, float(bytes, 16)?, float(bytes, 24)?];
    let [at_smallest, exceptions] = [word(bytes, 32)?, word(bytes, 36)?];
    let (packed, rest) = bytes.get(40..)?.split_at_checked(number / 2)?;
    if at_smallest == 0 || smallest > LARGEST - EXCEPTION || rest.len() as u64 != u64::from(exceptions) * 4 {
        return None;
    }
    let mut registers: Vec<u8> = packed.iter().flat_map(|both| [both & 15, both >> 4]).collect();
    if registers.iter().filter(|register| **register == EXCEPTION).count() as u64 != u64::from(exceptions) {
        return None;
    }
    for exception in rest.chunks_exact(4) {
        let exception = word(exception, 0)?;
        let (place, value) = (exception as usize % number, u8::try_from(exception >> 26).ok()?);
        let register = registers.get_mut(place).filter(|register| **register == EXCEPTION)?; // each once
        *register = value.checked_sub(smallest).filter(|above| *above >= EXCEPTION)? | ALREADY;
    }
    let values = registers.iter().map(|register| smallest + (register & !ALREADY));
    let of = |from: u8, to: u8| {
        let values = values.clone().filter(move |value| (from..to).contains(value));
        values.fold(0.0_f64, |sum, value| sum + 0.5_f64.powi(i32::from(value))) // exact: of a width of less than 53 bits
    };
    let sums_agree = low.to_bits() == of(0, 32).to_bits() && high.to_bits() == of(32, LARGEST + 1).to_bits();
    let count_agrees = values.clone().filter(|value| *value == smallest).count() as u64 == u64::from(at_smallest);
    let in_use = values.filter(|value| *value > 0).count();
    Some(sums_agree && count_agrees && (flags & 16 != 0 || is_near(accumulated, low + high, number, in_use)))
}

/// Distinguishes an exception that has had its value from one that has not.
const ALREADY: u8 = 1 << 7;

/// Whether the estimate that has been accumulated can be one of such registers: it and the estimate that is made of the registers alone
/// differ by a few hundredths where there are many values, and by less than the number of registers where there are few.
#[allow(clippy::cast_precision_loss)] // a few thousand
fn is_near(accumulated: f64, sum: f64, number: usize, in_use: usize) -> bool {
    let registers = number as f64;
    let of_registers = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
    (0.5 * in_use as f64..=2.0 * of_registers).contains(&accumulated) && accumulated >= 0.5 * of_registers - registers
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn float(bytes: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
