//! [`Total`]: sums from which numbers may be taken away again, so that what leaves a window leaves no trace. [`IntegerSum`],
//! [`PairSum`] of floats, and the exact [`FixedPointSum`].

use crate::measure::{Float, Number};
use crate::state::{Saved, StateVisitor, saves};

/// A total of numbers, of which some may be taken away again.
pub trait Total<N: Number> {
    /// Adds a number.
    fn add(&mut self, number: N);
    /// Takes a number away that was added before.
    fn remove(&mut self, number: N);
    /// Takes a number away and adds another one, if that is less work together than apart. False, and nothing is changed, if it is
    /// not, or if one of them is a NaN.
    fn replace(&mut self, old: N, new: N) -> bool;
    /// The sum. That of floats is the float nearest to it; that of integers stops at the ends of their range.
    fn sum(&self) -> N;
    /// The sum over `count`.
    fn mean(&self, count: u64) -> N::Mean;
    /// Adds all that another total has added up.
    fn merge(&mut self, other: &Self);
    /// Whether digits have been lost, so that what is left is to be added up anew.
    #[inline]
    fn is_stale(&self) -> bool {
        false
    }
}

/// A total of integers, exact for at least 2^47 of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntegerSum<I>(I);

macro_rules! integers {
    ($wide:ty: $($int:ty)*) => {$(
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, clippy::cast_possible_wrap)] // clamped; wide
        #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss)] // the nearest float is meant
        impl Total<$int> for IntegerSum<$wide> {
            #[inline]
            fn add(&mut self, number: $int) {
                self.0 = self.0.wrapping_add(number as $wide); // what was restored may be anything, also together
            }
            #[inline]
            fn remove(&mut self, number: $int) {
                self.0 = self.0.wrapping_sub(number as $wide);
            }
            #[inline]
            fn replace(&mut self, old: $int, new: $int) -> bool {
                self.remove(old);
                self.add(new);
                true
            }
            #[inline]
            fn sum(&self) -> $int {
                self.0.clamp(<$int>::MIN as $wide, <$int>::MAX as $wide) as $int
            }
            #[inline]
            fn mean(&self, count: u64) -> f64 {
                self.0 as f64 / count as f64
            }
            fn merge(&mut self, other: &Self) {
                self.0 = self.0.wrapping_add(other.0);
            }
        }
    )*};
}
integers!(i64: i8 i16 u8 u16);
integers!(i128: i32 i64 isize u32 u64 usize);

/// A total of floats with twice their digits: 32 bytes for `f64`, 20 for `f32`.
///
/// Numbers of very different size can need more digits: 1e20 and 1e-20 do. Then what does not fit is lost, and it is
/// [stale](Total::is_stale): a window from which one leaves adds up the others anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairSum<F> {
    pair: Pair<F>,
    /// Something is missing in the pair.
    is_rounded: bool,
    infinities: Infinities,
}

/// A total of floats, exact: a pair of floats as long as that can hold it, and from then on a fixed-point number as wide
/// as the whole range of the float. 320 bytes for `f64`, 88 for `f32`.
///
/// Nothing is rounded away, so taking a number away undoes adding it, whatever was added in between; an infinity or a
/// NaN counts as long as it is in. Only [`sum`](Total::sum) and [`mean`](Total::mean) round, once.
#[derive(Clone, Debug, Default)]
pub struct FixedPointSum<F, const WORDS: usize> {
    /// Of no meaning once `spilled`.
    pair: Pair<F>,
    spilled: bool,
    words: Words<WORDS>,
}

/// A sum with twice the digits of a float.
#[derive(Clone, Copy, Debug, Default)]
struct Pair<F> {
    /// The sum as floats add it up, and what it lacks of the true one. Apart, so that one number need not wait for the one before.
    near: F,
    lack: F,
}

impl<F: Float> Pair<F> {
    /// Takes a number in, or away. False, and nothing is changed, if that has no place in the pair.
    #[inline]
    fn take(&mut self, number: F, remove: bool) -> bool {
        let (pair, fits) = self.with(if remove { F::default() - number } else { number });
        if fits {
            *self = pair;
        }
        fits
    }

    /// Takes a number away and another one in. False, and nothing is changed, if that has no place in the pair.
    #[inline]
    fn replace(&mut self, old: F, new: F) -> bool {
        let (without, fits) = self.with(F::default() - old);
        let (pair, both_fit) = without.with(new);
        let fits = fits & both_fit;
        if fits {
            *self = pair;
        }
        fits
    }

    /// With one number more, and whether that has its place in the pair. A sum of two floats is exact if each can be had back by taking
    /// the other one away: of the larger of the two that is so only then.
    #[inline]
    fn with(self, number: F) -> (Self, bool) {
        let (near, error) = two_sum(self.near, number);
        let lack = self.lack + error;
        (Self { near, lack }, (lack - error == self.lack) & (lack - self.lack == error))
    }

    /// With one number more, and what has no place in the pair.
    #[inline]
    fn and(self, number: F) -> (Self, F) {
        let (near, error) = two_sum(self.near, number);
        let (lack, lost) = two_sum(self.lack, error);
        (Self { near, lack }, lost)
    }

    /// The same sum with as much of it as can be in the one float, so that the other has room.
    fn settled(self) -> Self {
        let (near, lack) = two_sum(self.near, self.lack);
        Self { near, lack }
    }

    /// The float nearest to the sum.
    #[inline]
    fn sum(self) -> F {
        self.near + self.lack
    }
}

/// The infinities of a sum: how many of each sign.
#[derive(Clone, Copy, Debug, Default)]
struct Infinities {
    positive: u32,
    negative: u32,
}

impl Infinities {
    #[cold]
    fn take(&mut self, is_positive: bool, remove: bool) {
        let count = if is_positive { &mut self.positive } else { &mut self.negative };
        *count = if remove { count.saturating_sub(1) } else { count.saturating_add(1) };
    }

    fn merge(&mut self, other: Self) {
        self.positive = self.positive.saturating_add(other.positive);
        self.negative = self.negative.saturating_add(other.negative);
    }

    fn none(self) -> bool {
        self.positive | self.negative == 0
    }

    /// The sum of those that there are.
    fn sum<F: Float>(self) -> F {
        match (self.positive, self.negative) {
            (_, 0) => F::INFINITY,
            (0, _) => F::default() - F::INFINITY,
            _ => F::NAN,
        }
    }
}

impl<F: Float> PairSum<F> {
    #[inline]
    fn take(&mut self, number: F, remove: bool) {
        if !self.pair.take(number, remove) {
            self.round(number, remove);
        }
    }

    /// Takes a number that has no place in the pair as it is, makes the sum infinite, or is infinite.
    #[cold]
    fn round(&mut self, number: F, remove: bool) {
        if !number.is_finite() {
            return self.infinities.take(number > F::default(), remove);
        }
        let (pair, lost) = self.pair.settled().and(if remove { F::default() - number } else { number });
        self.is_rounded |= lost != F::default();
        self.pair = if pair.near.is_finite() { pair } else { Pair { near: pair.near, lack: F::default() } };
    }
}

impl<F: Float + Number<Mean = F>> Total<F> for PairSum<F> {
    #[inline]
    fn add(&mut self, number: F) {
        self.take(number, false);
    }
    #[inline]
    fn remove(&mut self, number: F) {
        self.take(number, true);
    }
    #[inline]
    fn replace(&mut self, old: F, new: F) -> bool {
        self.pair.replace(old, new)
    }
    #[inline]
    fn sum(&self) -> F {
        if self.infinities.none() { self.pair.sum() } else { self.infinities.sum() }
    }
    #[inline]
    fn mean(&self, count: u64) -> F {
        self.sum() / F::from_count(usize::try_from(count).unwrap_or(usize::MAX))
    }
    fn merge(&mut self, other: &Self) {
        self.take(other.pair.near, false);
        self.take(other.pair.lack, false);
        self.is_rounded |= other.is_rounded;
        self.infinities.merge(other.infinities);
    }
    #[inline]
    fn is_stale(&self) -> bool {
        self.is_rounded
    }
}

saves! { [F: Float] PairSum<F> { pair, is_rounded, infinities } }
saves! { [F: Float] Pair<F> { near, lack } }
saves! { [] Infinities { positive, negative } }

macro_rules! saved_integers {
    ($($wide:ty)*) => {$(
        /// A sum that is restored is far enough from the ends of the range for all that may follow.
        impl Saved for IntegerSum<$wide> {
            fn blank() -> Self {
                Self(0)
            }
            fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
                self.0.on_state(name, state);
                let most = <$wide>::MAX / 2;
                if self.0.unsigned_abs() > most.unsigned_abs() {
                    state.refuse(name);
                    self.0 = 0;
                }
            }
        }
    )*};
}
saved_integers!(i64 i128);

impl<F: Float, const WORDS: usize> Saved for FixedPointSum<F, WORDS> {
    fn blank() -> Self {
        Self { pair: Pair::blank(), spilled: false, words: Words::default() }
    }
    #[allow(clippy::cast_possible_truncation)] // the number of words is small
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        self.pair.on_state(name, state);
        self.spilled.on_state(name, state);
        if self.spilled {
            let Words { words, low, high, nans, infinities } = &mut self.words;
            words.on_state(name, state);
            low.on_state(name, state);
            high.on_state(name, state);
            nans.on_state(name, state);
            infinities.on_state(name, state);
            *high = (*high).clamp(1, WORDS as u32 - 1);
            // The last word is far from its ends in every total that numbers have been added up to.
            let last = &mut words[WORDS - 1];
            *last = (*last).cast_signed().clamp(-(1 << 40), 1 << 40).cast_unsigned();
        }
    }
}

/// The fixed-point number: 34 words for `f64`, 6 for `f32`.
#[derive(Clone, Debug)]
struct Words<const WORDS: usize> {
    /// Two's complement, the least word first. It ends at `high`: what is above repeats the sign.
    words: [u64; WORDS],
    /// All words below are 0.
    low: u32,
    high: u32,
    nans: u32,
    infinities: Infinities,
}

impl<const WORDS: usize> Default for Words<WORDS> {
    fn default() -> Self {
        Self { words: [0; WORDS], low: u32::MAX, high: 1, nans: 0, infinities: Infinities::default() }
    }
}

/// The sum, and the error of its rounding, which is a float, too (Knuth). Of an infinite sum the error is no number.
#[inline]
pub(super) fn two_sum<F: Float>(a: F, b: F) -> (F, F) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

impl<const WORDS: usize> Words<WORDS> {
    /// Adds `mantissa * 2^position`, or takes it away.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the halves of a number
    fn shift_in(&mut self, mantissa: u64, position: u32, negative: bool) {
        let first = position / 64;
        if self.high < first + 1 {
            self.extend(first + 1);
        }
        self.low = self.low.min(first);
        let [low, high, above @ ..] = &mut self.words[first as usize..=self.high as usize] else { return };
        let shifted = u128::from(mantissa) << (position % 64);
        let both = u128::from(*high) << 64 | u128::from(*low);
        let (both, mut carry) = if negative { both.overflowing_sub(shifted) } else { both.overflowing_add(shifted) };
        (*low, *high) = (both as u64, (both >> 64) as u64);
        for word in above {
            if !carry {
                break;
            }
            (*word, carry) = if negative { word.overflowing_sub(1) } else { word.overflowing_add(1) };
        }
        self.keep_a_bit_free();
    }

    /// Adds another number: neither has a sign in the bit that each keeps free, so the sum has room.
    fn merge(&mut self, other: &Self) {
        if self.high < other.high {
            self.extend(other.high);
        }
        let others = other.words[..=other.high as usize].iter().copied();
        let sign = sign_of(other.words[other.high as usize]);
        let mut carry = false;
        for (word, add) in self.words[..=self.high as usize].iter_mut().zip(others.chain(core::iter::repeat(sign))) {
            let (sum, over) = word.overflowing_add(add);
            let (sum, over_by_one) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, over | over_by_one);
        }
        self.low = self.low.min(other.low);
        self.nans = self.nans.saturating_add(other.nans);
        self.infinities.merge(other.infinities);
        self.keep_a_bit_free();
    }

    /// The highest word keeps a bit free, so that the next number cannot spill over its sign.
    #[inline]
    fn keep_a_bit_free(&mut self) {
        let top = self.words[self.high as usize];
        if (top ^ top << 1) >> 63 == 1 {
            self.extend(self.high + 1);
        }
    }

    #[cold]
    fn extend(&mut self, high: u32) {
        let sign = sign_of(self.words[self.high as usize]);
        self.words[self.high as usize + 1..=high as usize].fill(sign);
        self.high = high;
    }

    /// The highest bits that say something, as a number and the power of 2 that it is to be multiplied with, in two parts
    /// (bits, and words). The last bit is set if there is anything below: so a conversion to a float rounds as if it had
    /// seen all bits.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // 63 bits, and two's complement
    fn highest(&self) -> (i64, u32, u32) {
        let mut at = self.high as usize;
        while at > 1 && self.words[at] == sign_of(self.words[at - 1]) {
            at -= 1;
        }
        let below = self.words.get(self.low as usize..at - 1).unwrap_or_default();
        let below = below.iter().any(|word| *word != 0);
        let highest = (u128::from(self.words[at]) << 64 | u128::from(self.words[at - 1]) | u128::from(below)) as i128;
        let (size, negative) = (highest.unsigned_abs(), highest < 0);
        let shift = 65_u32.saturating_sub(size.leading_zeros());
        let rest = size & ((1 << shift) - 1) != 0;
        let bits = (size >> shift) as i64 | i64::from(rest);
        (if negative { -bits } else { bits }, shift, at as u32 - 1)
    }
}

#[allow(clippy::cast_possible_wrap, clippy::cast_sign_loss)] // two's complement is meant
fn sign_of(word: u64) -> u64 {
    ((word as i64) >> 63) as u64
}

macro_rules! floats {
    ($float:ty, $bits:ty, $words:literal, $mantissa_bits:literal, $bias:literal) => {
        impl Words<$words> {
            #[allow(clippy::cast_possible_truncation)] // an exponent
            fn take(&mut self, number: $float, remove: bool) {
                let bits = number.to_bits();
                let mantissa = bits & ((1 << $mantissa_bits) - 1);
                let exponent = (bits >> $mantissa_bits) as u32 & (2 * $bias + 1);
                if exponent == 2 * $bias + 1 {
                    return self.take_special(mantissa != 0, number > 0.0, remove);
                }
                let normal = exponent.min(1);
                let mantissa = u64::from(mantissa) | u64::from(normal) << $mantissa_bits;
                self.shift_in(mantissa, exponent - normal, number.is_sign_negative() != remove);
            }

            /// The nearest float.
            fn sum(&self) -> $float {
                if self.nans != 0 {
                    return <$float>::NAN;
                }
                if !self.infinities.none() {
                    return self.infinities.sum();
                }
                let (highest, shift, word) = self.highest();
                // The weight of the lowest bit: 2^(64 word) of the smallest subnormal.
                let exponent = word * 64 + 1;
                let scale = match exponent.checked_sub($mantissa_bits) {
                    None | Some(0) => <$float>::from_bits(1 << (exponent - 1)),
                    Some(normal) if normal <= 2 * $bias => <$float>::from_bits(<$bits>::from(normal) << $mantissa_bits),
                    Some(_) => <$float>::INFINITY, // as the sum
                };
                let shift = <$float>::from_bits(<$bits>::from(shift + $bias) << $mantissa_bits);
                #[allow(clippy::cast_precision_loss)] // rounds to the nearest: the one rounding of the sum
                let nearest = highest as $float;
                nearest * shift * scale
            }
        }

        impl FixedPointSum<$float, $words> {
            /// Adds a number to the pair, or to the words if the pair could not hold the result.
            #[inline]
            fn take(&mut self, number: $float, remove: bool) {
                if self.spilled {
                    return self.words.take(number, remove);
                }
                if !self.pair.take(number, remove) {
                    self.settle_or_spill(number, remove);
                }
            }

            #[cold]
            fn settle_or_spill(&mut self, number: $float, remove: bool) {
                let mut settled = self.pair.settled();
                if settled.take(number, remove) {
                    self.pair = settled;
                } else {
                    self.spill(number, remove);
                }
            }

            #[cold]
            fn spill(&mut self, number: $float, remove: bool) {
                if !core::mem::replace(&mut self.spilled, true) {
                    self.words.take(self.pair.near, false);
                    self.words.take(self.pair.lack, false);
                }
                self.words.take(number, remove);
            }
        }

        impl Total<$float> for FixedPointSum<$float, $words> {
            #[inline]
            fn add(&mut self, number: $float) {
                self.take(number, false);
            }
            #[inline]
            fn remove(&mut self, number: $float) {
                self.take(number, true);
            }
            #[inline]
            fn replace(&mut self, old: $float, new: $float) -> bool {
                !self.spilled && self.pair.replace(old, new)
            }
            #[inline]
            fn sum(&self) -> $float {
                if self.spilled { self.words.sum() } else { self.pair.sum() }
            }
            #[inline]
            #[allow(clippy::cast_precision_loss)] // the nearest float is meant
            fn mean(&self, count: u64) -> $float {
                self.sum() / count as $float
            }
            fn merge(&mut self, other: &Self) {
                if other.spilled {
                    self.spill(0.0, false);
                    self.words.merge(&other.words);
                } else {
                    self.take(other.pair.near, false);
                    self.take(other.pair.lack, false);
                }
            }
        }
    };
}
floats!(f64, u64, 34, 52, 1023);
floats!(f32, u32, 6, 23, 127);

impl<const WORDS: usize> Words<WORDS> {
    #[cold]
    fn take_special(&mut self, nan: bool, positive: bool, remove: bool) {
        if !nan {
            return self.infinities.take(positive, remove);
        }
        self.nans = if remove { self.nans.saturating_sub(1) } else { self.nans.saturating_add(1) };
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_add_two_floats_as_the_machine_does(a: f64, b: f64, c: f32, d: f32) {
            let (mut wide, mut narrow) = (Words::<34>::default(), Words::<6>::default());
            wide.take(a, false);
            wide.take(b, false);
            prop_assert!(wide.sum() == a + b || (a + b).is_nan() && wide.sum().is_nan(), "{a:e} + {b:e}");
            narrow.take(c, false);
            narrow.take(d, false);
            prop_assert!(narrow.sum() == c + d || (c + d).is_nan() && narrow.sum().is_nan(), "{c:e} + {d:e}");
        }

        #[test]
        #[allow(clippy::cast_precision_loss)] // the nearest float is meant
        fn words_hold_what_a_float_does_not(
            numbers in prop::collection::vec(any::<i64>().prop_map(|x| x >> 11), 0..40),
            other in prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::NEG_INFINITY), Just(f64::MAX)],
        ) {
            let mut total = FixedPointSum::<f64, 34>::default();
            total.add(other);
            total.add(1e-300);
            numbers.iter().for_each(|x| total.add(*x as f64));
            total.remove(1e-300);
            total.remove(other);
            let exact: i128 = numbers.iter().map(|x| i128::from(*x)).sum();
            prop_assert_eq!(total.sum(), exact as f64);
        }
    }

    proptest! {
        #[test]
        fn two_totals_together_are_one(a in prop::collection::vec(any::<f64>(), 0..20), b in prop::collection::vec(any::<f64>(), 0..20),
            c in prop::collection::vec(any::<f32>(), 0..9)) {
            let total = |numbers: &[f64]| { let mut total = FixedPointSum::<f64, 34>::default(); numbers.iter().for_each(|x| total.add(*x)); total };
            let (mut both, whole) = (total(&a), total(&[a.clone(), b.clone()].concat()));
            both.merge(&total(&b));
            prop_assert_eq!(both.sum().to_bits(), whole.sum().to_bits());
            let narrow = |numbers: &[f32]| { let mut total = FixedPointSum::<f32, 6>::default(); numbers.iter().for_each(|x| total.add(*x)); total };
            let mut both = narrow(&c);
            both.merge(&narrow(&c));
            prop_assert_eq!(both.sum().to_bits(), narrow(&[c.clone(), c].concat()).sum().to_bits());
        }
    }

    proptest! {
        /// What does not fit is said to be stale; else not a bit is lost, whatever has come and gone.
        #[test]
        fn a_pair_is_exact_or_stale(numbers in prop::collection::vec((any::<i32>(), -25..25), 1..300), size in 1_usize..20) {
            let numbers: Vec<f64> = numbers.iter().map(|(digits, power)| f64::from(*digits) * 2_f64.powi(*power)).collect();
            let (mut pair, mut exact) = (PairSum::<f64>::default(), Words::<34>::default());
            for (at, number) in numbers.iter().enumerate() {
                if let Some(oldest) = at.checked_sub(size).map(|at| numbers[at]) {
                    pair.remove(oldest);
                    exact.take(oldest, true);
                }
                pair.add(*number);
                exact.take(*number, false);
                prop_assert!(pair.is_stale() || pair.sum() == exact.sum(), "{:e} is not {:e}", pair.sum(), exact.sum());
                if pair.is_stale() {
                    pair = PairSum::default();
                    numbers[(at + 1).saturating_sub(size)..=at].iter().for_each(|number| pair.add(*number));
                }
            }
        }

        /// A long way of small steps fills the pair's second float: it is settled, and holds still all.
        #[test]
        fn a_pair_is_settled_before_it_rounds(steps in 1..4_000_u32) {
            let (mut pair, mut exact) = (PairSum::<f64>::default(), Words::<34>::default());
            for number in core::iter::once(1e16).chain((0..steps).map(|step| 1.0 + f64::from(step) * 2_f64.powi(-50))) {
                pair.add(number);
                exact.take(number, false);
            }
            prop_assert!(!pair.is_stale() && pair.sum() == exact.sum());
        }
    }

    #[test]
    fn f27_a_sum_of_integers_goes_on_beyond_64_bits() {
        fn check<N: Number<Total = IntegerSum<I>, Mean = f64>, I: From<i64>>(largest: N) -> f64
        where
            IntegerSum<I>: Total<N>,
        {
            let mut total = IntegerSum(I::from(i64::MAX)); // as after 2^31 numbers
            total.add(largest);
            total.add(largest);
            total.remove(largest);
            total.mean(1 << 31)
        }
        assert!((check(u32::MAX) - 2_f64.powi(32)).abs() < 3.0);
        assert!((check(i32::MAX) - 2_f64.powi(32)).abs() < 3.0);
        // Of 16 bits even 2^47 numbers fit, a million a second for four years.
        assert!(i64::MAX / i64::from(u16::MAX) >= 1 << 47);
    }

    #[test]
    fn two_restored_totals_that_are_too_large_together_are_no_panic() {
        let mut total = IntegerSum(i128::MAX / 2 + 1);
        Total::<i32>::merge(&mut total, &IntegerSum(i128::MAX / 2));
        Total::<i32>::add(&mut total, 1);
        Total::<i32>::remove(&mut total, 1);
        assert_eq!(total.0, i128::MAX);
    }

    #[test]
    fn sizes_are_as_documented() {
        assert_eq!((size_of::<FixedPointSum<f64, 34>>(), size_of::<FixedPointSum<f32, 6>>()), (320, 88));
        assert_eq!((size_of::<PairSum<f64>>(), size_of::<PairSum<f32>>()), (32, 20));
    }

    #[test]
    fn the_smallest_part_decides_a_tie() {
        let half = f64::EPSILON / 2.0;
        for (numbers, sum) in [
            ([1.0, half, 0.0], 1.0),
            ([1.0, half, 1e-300], 1.0 + f64::EPSILON),
            ([1.0, half, -1e-300], 1.0),
            ([-1.0, -half, -1e-300], -1.0 - f64::EPSILON),
            ([-1.0, -half, 1e-300], -1.0),
            ([1.0 + f64::EPSILON, half, -1e-300], 1.0 + f64::EPSILON),
            ([f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
        ] {
            let mut total = FixedPointSum::<f64, 34>::default();
            numbers.iter().for_each(|number| total.add(*number));
            assert_eq!(total.sum().to_bits(), f64::to_bits(sum), "{numbers:?}");
            let mut words = Words::<34>::default();
            numbers.iter().for_each(|number| words.take(*number, false));
            assert_eq!(words.sum().to_bits(), f64::to_bits(sum), "{numbers:?}");
        }
    }
}
