//! What the kernel knows of its wall clock: whether anybody keeps it right, and how far off it may be.
//!
//! It is one system call, `adjtimex`, that no safe library wraps. It stands in a crate of its own because it needs `unsafe`,
//! which the core of `ThingFlow` does without.
//!
//! ```
//! match thingflow_clock::kernel_clock() {
//!     Ok(clock) => println!("synchronized: {}, off by {:?} at most", clock.synchronized, clock.max_error),
//!     Err(error) => println!("nobody says: {error}"),
//! }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::io;
use std::time::Duration;

/// The state of `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelClock {
    /// Whether a daemon, such as chrony or systemd-timesyncd, has set the clock and corrects it. False on a board that has just
    /// booted without a network, and on one whose clock was set by hand.
    pub synchronized: bool,
    /// How far off the clock may be, as the daemon and the kernel reckon; it grows while nobody corrects the clock.
    pub max_error: Duration,
}

/// Asks the kernel. Needs no privilege, and changes nothing.
///
/// # Errors
/// That the kernel, or a sandbox in front of it, does not answer; on other systems than Linux
/// [`Unsupported`](io::ErrorKind::Unsupported).
#[cfg(target_os = "linux")]
pub fn kernel_clock() -> io::Result<KernelClock> {
    let mut timex = std::mem::MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: the pointer leads to a `timex` that is all zeros, so that `modes` asks to change nothing. The kernel writes into
    // it and keeps no pointer.
    #[allow(unsafe_code, reason = "no safe library wraps adjtimex")]
    let (state, timex) = unsafe {
        let state = libc::adjtimex(timex.as_mut_ptr());
        (state, timex.assume_init())
    };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    let synchronized = timex.status & libc::STA_UNSYNC == 0;
    #[allow(clippy::useless_conversion)] // `maxerror` has the size of a `long`
    let micros = u64::try_from(i64::from(timex.maxerror)).unwrap_or(0);
    Ok(KernelClock { synchronized, max_error: Duration::from_micros(micros) })
}

/// Asks the kernel. Needs no privilege, and changes nothing.
///
/// # Errors
/// [`Unsupported`](io::ErrorKind::Unsupported): this is not Linux.
#[cfg(not(target_os = "linux"))]
pub fn kernel_clock() -> io::Result<KernelClock> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_and_its_answers_agree() {
        let clock = kernel_clock().expect("adjtimex needs no privilege");
        // The kernel says by itself that a clock is not synchronized when it may be off by more than 16 s.
        assert!(!clock.synchronized || clock.max_error <= Duration::from_secs(16), "{clock:?}");
    }
}
