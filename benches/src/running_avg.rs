//! The average of the last five readings, as a person would write it by hand. All peers use this one; ThingFlow its own.

/// Ring of five with a running sum; averages what it has until it is full.
#[derive(Clone, Debug, Default)]
pub struct RunningAvg {
    window: [f64; 5],
    at: usize,
    filled: usize,
    sum: f64,
}

impl RunningAvg {
    /// Takes one reading, gives the average including it.
    #[inline]
    pub fn push(&mut self, val: f64) -> f64 {
        self.sum += val - self.window[self.at];
        self.window[self.at] = val;
        self.at = if self.at == 4 { 0 } else { self.at + 1 };
        if self.filled < 5 {
            self.filled += 1;
        }
        self.sum / self.filled as f64
    }
}
