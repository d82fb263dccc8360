//! Spectra and filters with the library called by hand. A reading that is missing is left out here, too: in a filter that
//! feeds back, a single NaN would stay for ever.

use std::f64::consts::{PI, TAU};

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Type};
use realfft::RealFftPlanner;

use crate::event::{Event, Events};
use crate::subjects::thingflow::windows::{MIDDLE, PIECE, TAPS};

fn present(events: Events) -> impl Iterator<Item = Event> {
    events.filter(|event| event.val.is_finite())
}

/// The density at the fourth frequency of each piece, which has its mean taken off and is weighed by von Hann's taper.
pub fn spectra(events: Events, _: usize) -> u64 {
    let transform = RealFftPlanner::<f64>::new().plan_fft_forward(PIECE);
    let (mut input, mut lines) = (transform.make_input_vec(), transform.make_output_vec());
    let mut scratch = transform.make_scratch_vec();
    let weights: Vec<f64> = (0..PIECE).map(|n| 0.5 - 0.5 * (TAU * n as f64 / PIECE as f64).cos()).collect();
    let density = 1.0 / (PIECE as f64 * weights.iter().map(|weight| weight * weight).sum::<f64>());
    let (mut piece, mut count) = (Vec::with_capacity(PIECE), 0);
    for event in present(events) {
        piece.push(event.val);
        if piece.len() < PIECE {
            continue;
        }
        let mean = piece.iter().sum::<f64>() / PIECE as f64;
        for ((to, sample), weight) in input.iter_mut().zip(&piece).zip(&weights) {
            *to = (sample - mean) * weight;
        }
        if transform.process_with_scratch(&mut input, &mut lines, &mut scratch).is_err() {
            return 0; // the buffers have their lengths from the transform
        }
        let double = |n: usize| if n == 0 || 2 * n == PIECE { 1.0 } else { 2.0 };
        let densities: Vec<f64> =
            lines.iter().enumerate().map(|(n, line)| line.norm_sqr() * double(n) * density).collect();
        count += u64::from(densities[3] > 1.0);
        piece.clear();
    }
    count
}

/// A low pass of finite response: the taps of `firwin`, and a ring in which each sample stands twice.
pub fn fir(events: Events, _: usize) -> u64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
    let taper = |n: usize| 0.54 - 0.46 * (TAU * n as f64 / (TAPS - 1) as f64).cos();
    let mut taps: [f64; TAPS] =
        std::array::from_fn(|n| 0.2 * sinc(0.2 * (n as f64 - (TAPS - 1) as f64 / 2.0)) * taper(n));
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    let (mut ring, mut next, mut seen, mut count) = ([0.0; 2 * TAPS], 0, 0, 0);
    for event in present(events) {
        next = if next == 0 { TAPS - 1 } else { next - 1 };
        (ring[next], ring[next + TAPS]) = (event.val, event.val);
        seen += 1;
        let level: f64 = taps.iter().zip(&ring[next..]).map(|(tap, sample)| tap * sample).sum();
        count += u64::from(seen >= TAPS && level > MIDDLE);
    }
    count
}

/// A filter of the second order, by the library.
pub fn biquad(events: Events, _: usize) -> u64 {
    let Ok(notch) = Coefficients::from_normalized_params(Type::Notch, 0.4, 4.0) else { return 0 };
    let mut notch = DirectForm2Transposed::<f64>::new(notch);
    present(events).map(|event| notch.run(event.val)).filter(|level| *level > MIDDLE).count() as u64
}
