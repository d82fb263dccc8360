//! The scheduler's clock: the processor's own timer counts ticks, and wakes the processor at each.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bare_metal::TICK;
use cortex_m::interrupt;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use embedded_hal::delay::DelayNs;

static TICKS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    // A Cortex-M0 cannot add in one step, and nobody else writes.
    TICKS.store(count().wrapping_add(1), Relaxed);
}

/// Begins to count, on a processor of `clock` Hz.
pub fn start(mut timer: SYST, clock: u32) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(clock / 1_000 * TICK.subsec_millis() - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// The ticks since the start.
pub fn count() -> u32 {
    TICKS.load(Relaxed)
}

/// Lets the processor sleep for whole ticks; what is less than one does not count.
pub struct Sleep;

impl Sleep {
    fn ticks(ticks: u32) {
        let start = count();
        let mut asleep = true;
        while asleep {
            // Between the look at the counter and the sleep no tick may pass unseen. It is served after the sleep.
            interrupt::free(|_| {
                asleep = count().wrapping_sub(start) < ticks;
                if asleep {
                    cortex_m::asm::wfi();
                }
            });
        }
    }
}

impl DelayNs for Sleep {
    fn delay_ns(&mut self, nanos: u32) {
        Self::ticks(nanos / TICK.subsec_nanos());
    }
    fn delay_ms(&mut self, millis: u32) {
        Self::ticks(millis / TICK.subsec_millis());
    }
}
