//! What holds for each chip: no value outside of its declared range whatever the chip answers, all settings written
//! whatever another program has left, and an error that says what to look at where nobody answers.

use proptest::prelude::*;

use super::fake::Noise;
use super::specimen::{Sampling, Settings};
use super::specimens;

/// Feeds each chip with noise.
fn feed(noise: Noise) {
    for chip in specimens() {
        let fed = (chip.fed)(noise);
        assert!(fed.readings + fed.without > 0, "{} has not been sampled", chip.name);
        for (quantity, value) in fed.values {
            assert!(quantity.range().contains(&value), "{}: {quantity:?} {value}, fed with {noise:?}", chip.name);
        }
    }
}

#[test]
fn f20_no_chip_sends_what_it_cannot_have_measured() {
    feed(Noise::Zeros);
    feed(Noise::Ones);
    for word in [[0x80, 0x00], [0x00, 0x80], [0x7F, 0xFF], [0xFF, 0x7F], [0x55, 0x55], [0xAA, 0xAA], [0x00, 0xFF]] {
        feed(Noise::Stuck(word));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn f20_no_chip_sends_what_it_cannot_have_measured_whatever_it_answers(word: [u8; 2], seed: u64) {
        feed(Noise::Stuck(word));
        feed(Noise::Random(seed));
    }

    #[test]
    fn f30_what_another_program_has_left_in_a_chip_does_not_count(seed: u64) {
        let mut noise = Noise::Random(seed);
        for specimen in specimens() {
            let Some(Settings { chip, sensor, samplings, expected }) = specimen.registers else { continue };
            let chip = chip();
            chip.scramble(&mut noise);
            let mut sample = sensor(chip.clone());
            set_up(&mut sample, samplings);
            let found: Vec<_> = expected.iter().map(|(register, _)| (*register, chip.get(*register))).collect();
            prop_assert_eq!(&found, expected, "{}, at the first access", specimen.name);
            chip.unplug(true);
            prop_assert!(!sample(), "{} is gone", specimen.name);
            chip.unplug(false);
            chip.scramble(&mut noise);
            set_up(&mut sample, samplings);
            let found: Vec<_> = expected.iter().map(|(register, _)| (*register, chip.get(*register))).collect();
            prop_assert_eq!(&found, expected, "{}, after a failure", specimen.name);
        }
    }
}

fn set_up(sample: &mut Sampling, samplings: usize) {
    (0..samplings).for_each(|_| {
        sample();
    });
}

#[test]
fn each_chip_says_where_nobody_answers() {
    for chip in specimens() {
        let Some((address, error)) = chip.nobody else { continue };
        let (error, name) = (error(), chip.name);
        assert!(error.starts_with(&format!("{name} does not answer: NoAcknowledge")), "{error}");
        assert!(error.ends_with(&format!("check the wiring, and that `i2cdetect -y 1` shows {address}")), "{error}");
    }
}
