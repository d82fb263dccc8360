//! A chip of registers with a memory that behaves as the register map says.

use super::*;
use crate::chips::fake::{FakeChip, Fifo, Nobody};
use crate::chips::specimen::{self, Settings, Specimen};
use thingflow_core::Sensor;
use crate::bus::Guarded;
use proptest::prelude::*;

pub(crate) fn specimen() -> Specimen {
    Specimen {
        name: "MPU6050",
        fed: |mut noise| {
            let chip = chip();
            let mut bytes = [0; 83 * BYTES];
            noise.fill(&mut bytes);
            chip.queue(&bytes);
            let mut fed = specimen::direct(Mpu6050::new("x", chip.clone()));
            let mut sensor = running(chip.clone());
            chip.queue(&bytes);
            let batch = sensor.sample().unwrap();
            fed.see(sensor.quantities().as_ref(), batch);
            fed
        },
        nobody: Some(("68", || specimen::error(Mpu6050::new("x", Nobody).sample()))),
        registers: Some(Settings {
            chip,
            sensor: |chip| {
                let mut sensor = Mpu6050::new("x", chip);
                Box::new(move || sensor.sample().is_ok())
            },
            samplings: 2,
            expected: &[
                // The offsets of the gyroscope, and its standby.
                (0x13, 0), (0x14, 0), (0x15, 0), (0x16, 0), (0x17, 0), (0x18, 0), (PWR_MGMT_2, 0),
                (SMPLRT_DIV, 9), (CONFIG, 3), (GYRO_CONFIG, 0x08), (ACCEL_CONFIG, 0x08),
                (FIFO_EN, 0x78), (I2C_MST_CTRL, 0), (USER_CTRL, 0x40), (PWR_MGMT_1, 0x01),
            ],
        }),
    }
}

const SMPLRT_DIV: u8 = 0x19;
const CONFIG: u8 = 0x1A;
const GYRO_CONFIG: u8 = 0x1B;
const ACCEL_CONFIG: u8 = 0x1C;
const FIFO_EN: u8 = 0x23;
const USER_CTRL: u8 = 0x6A;
const EMPTY_FIFO: u8 = 0x04;
const PWR_MGMT_1: u8 = 0x6B;
const FIFO_COUNT: u8 = 0x72;
const FIFO_R_W: u8 = 0x74;

/// Asleep, as after power-on.
fn chip() -> FakeChip {
    FakeChip::new(0x68).with(PWR_MGMT_1, &[0x40]).fifo(Fifo::new(FIFO_R_W, FIFO_COUNT, (USER_CTRL, EMPTY_FIFO)))
}
/// One that collects samples already.
fn running<B: I2c<Error: Send + Sync + 'static>>(bus: B) -> Mpu6050<B> {
    let mut sensor = Mpu6050::new("arm", bus);
    assert!(matches!(sensor.sample(), Err(SampleError::NotYet(RESETS_IN))));
    assert!(sensor.sample().unwrap().samples().is_empty());
    sensor
}
fn hold(chip: &FakeChip, samples: &[[i16; 6]]) {
    let bytes: Vec<u8> = samples.iter().flatten().flat_map(|v| v.to_be_bytes()).collect();
    chip.queue(&bytes);
}
/// Samples that can be told from each other.
fn count(from: i16, to: i16) -> Vec<[i16; 6]> {
    (from..to).map(|n| [n; 6]).collect()
}
fn counted(batch: &Batch<Motion, ROOM>) -> Vec<i16> {
    batch.samples().iter().map(|motion| (motion.rotation.x * 65.5).round() as i16).collect()
}
const REGISTERS: [u8; 7] = [SMPLRT_DIV, CONFIG, GYRO_CONFIG, ACCEL_CONFIG, FIFO_EN, USER_CTRL, PWR_MGMT_1];
fn settings(chip: &FakeChip) -> [u8; 7] {
    REGISTERS.map(|register| chip.get(register))
}
const SETTINGS: [u8; 7] = [9, 3, 0x08, 0x08, 0x78, 0x40, 0x01];

#[test]
fn reads_samples_in_the_units_of_the_data_sheet() {
    let chip = chip();
    let mut sensor = running(chip.clone());
    assert_eq!(settings(&chip), SETTINGS);
    hold(&chip, &[[0, 0, 8192, 655, -655, 0], [8192, -8192, 0, 0, 0, 6550], [0; 6]]);
    let batch = sensor.sample().unwrap();
    let [first, second] = batch.samples() else { panic!("{batch:?}") };
    assert_eq!(first.acceleration, Axes { x: 0.0, y: 0.0, z: Axes::GRAVITY }); // 8192 each g
    let Axes { x, y, z } = first.rotation; // 65.5 each degree
    assert!((x - 10.0).abs() < 1e-4 && (y + 10.0).abs() < 1e-4 && z == 0.0, "{first:?}");
    assert!((second.rotation.z - 100.0).abs() < 1e-3, "{second:?}");
    assert_eq!((batch.interval(), batch.behind(), chip.queued()), (Duration::from_millis(10), 1, BYTES));
}

#[test]
fn leaves_what_is_too_much_for_the_next_time_and_says_so() {
    let chip = chip();
    let mut sensor = running(chip.clone());
    hold(&chip, &count(0, 50));
    let first = sensor.sample().unwrap();
    assert_eq!((counted(&first), first.behind()), ((0..42).collect(), 8));
    let second = sensor.sample().unwrap();
    assert_eq!((counted(&second), second.behind()), ((42..49).collect(), 1));
    assert!(!first.has_gap() && !second.has_gap());
}

#[test]
fn throws_a_full_memory_away() {
    let chip = chip();
    let mut sensor = running(chip.clone());
    hold(&chip, &count(0, 85));
    assert_eq!(sensor.sample().unwrap().samples().len(), 0);
    assert_eq!(chip.queued(), 0);
    hold(&chip, &count(90, 93));
    let batch = sensor.sample().unwrap();
    assert_eq!((counted(&batch), batch.has_gap()), (vec![90, 91], true));
    assert_eq!(settings(&chip), SETTINGS);
}

#[test]
fn a_read_that_a_guarded_bus_repeats_is_a_gap_and_no_nonsense() {
    let chip = chip();
    let mut sensor = running(Guarded::new(chip.clone()).retries(1));
    hold(&chip, &count(0, 11));
    chip.break_off_after(7);
    assert!(sensor.sample().unwrap().samples().is_empty());
    hold(&chip, &count(20, 23));
    let batch = sensor.sample().unwrap();
    assert_eq!((counted(&batch), batch.has_gap()), (vec![20, 21], true));
}

#[test]
fn a_read_that_breaks_off_is_a_failure_and_a_gap() {
    let chip = chip();
    let mut sensor = running(chip.clone());
    hold(&chip, &count(0, 11));
    chip.break_off_after(7);
    assert!(matches!(sensor.sample(), Err(SampleError::Failed(_))));
    assert_eq!(sensor.sample(), Err(SampleError::NotYet(RESETS_IN)));
    assert!(sensor.sample().unwrap().samples().is_empty(), "set up anew");
    hold(&chip, &count(20, 25));
    let batch = sensor.sample().unwrap();
    assert_eq!((counted(&batch), batch.has_gap()), (vec![20, 21, 22, 23], true));
    hold(&chip, &count(25, 26));
    assert!(!sensor.sample().unwrap().has_gap());
}

#[test]
fn is_set_up_anew_after_a_loss_of_power() {
    let chip = chip();
    let mut sensor = running(chip.clone());
    REGISTERS.iter().for_each(|register| chip.set(*register, 0));
    chip.set(PWR_MGMT_1, 0x40);
    assert_eq!(sensor.sample().unwrap_err().to_string(), "MPU6050: it has lost its power for a while");
    assert_eq!(sensor.sample(), Err(SampleError::NotYet(RESETS_IN)));
    assert!(sensor.sample().unwrap().samples().is_empty());
    assert_eq!(settings(&chip), SETTINGS);
    chip.unplug(true);
    assert!(sensor.sample().unwrap_err().to_string().starts_with("MPU6050 does not answer"));
}

#[test]
fn f35_the_first_access_resets_the_chip() {
    let chip = chip();
    chip.set(0x06, 0x12); // the accelerometer's offset, of which only the chip knows the factory's value
    let _ = Mpu6050::new("arm", chip.clone()).sample();
    assert_eq!(chip.get(PWR_MGMT_1), 0x80);
}

#[test]
fn what_another_program_has_set_does_not_stay() {
    let chip = chip();
    REGISTERS.iter().for_each(|register| chip.set(*register, 0x7F));
    running(chip.clone());
    assert_eq!(settings(&chip), SETTINGS);
}

#[test]
fn each_rate_has_its_divider() {
    for (rate, divider) in [(1000, 0), (200, 4), (100, 9), (4, 249)] {
        let chip = chip();
        let mut sensor = Mpu6050::new("arm", chip.clone()).rate(rate);
        assert_eq!(sensor.sample(), Err(SampleError::NotYet(RESETS_IN)));
        sensor.sample().unwrap();
        assert_eq!(chip.get(SMPLRT_DIV), divider, "{rate}");
    }
}

#[test]
#[should_panic(expected = "an MPU6050 takes one of [4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000]")]
fn refuses_a_rate_that_it_cannot_have() {
    let _ = Mpu6050::new("arm", chip()).rate(300);
}

proptest! {
    /// Wherever a read breaks off: what comes is what was collected, in order, and what is missing is a gap.
    #[test]
    fn no_sample_is_made_up_and_none_is_missed(
        steps in proptest::collection::vec((0_i16..60, proptest::option::of(0_usize..600)), 1..20),
        retries in 0_u8..3,
    ) {
        let chip = chip();
        let mut sensor = running(Guarded::new(chip.clone()).retries(retries));
        let (mut made, mut next) = (1, 1);
        for (more, breaks) in steps {
            hold(&chip, &count(made, made + more));
            made += more;
            if let Some(after) = breaks {
                chip.break_off_after(after);
            }
            let Ok(batch) = sensor.sample() else { continue };
            let read = counted(&batch);
            if let Some(first) = read.first() {
                prop_assert!(*first == next || batch.has_gap() && *first > next, "{first} after {next}");
                prop_assert!(read.windows(2).all(|pair| pair[1] == pair[0] + 1), "{read:?}");
                next = first + i16::try_from(read.len()).unwrap();
            }
        }
    }
}
