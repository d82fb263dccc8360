//! How a walk over the state sees what processors remember: whatever it restores, a processor holds finite numbers within
//! their ranges.

use thingflow_core::StateVisitor;

/// Shows a number. One that is not finite is refused, and the number stays as it was: it would be in a filter that feeds back
/// for ever.
pub(crate) fn finite(state: &mut dyn StateVisitor, name: &str, number: &mut f64) {
    finite_from(state, name, number, f64::MIN);
}

/// As [`finite`], which is `least` or more.
pub(crate) fn finite_from(state: &mut dyn StateVisitor, name: &str, number: &mut f64, least: f64) {
    let before = *number;
    state.float(name, number);
    if !number.is_finite() || *number < least {
        state.refuse(name);
        *number = before;
    }
}

/// Shows a count, which is `most` or less.
pub(crate) fn count(state: &mut dyn StateVisitor, name: &str, count: &mut u64, most: u64) {
    state.integer(name, count);
    if *count > most {
        state.refuse(name);
        *count = most;
    }
}

/// As [`count`], of a place in memory.
pub(crate) fn place(state: &mut dyn StateVisitor, name: &str, place: &mut usize, most: usize) {
    let mut wide = *place as u64;
    count(state, name, &mut wide, most as u64);
    *place = usize::try_from(wide).unwrap_or(most);
}

/// Shows a flag.
pub(crate) fn flag(state: &mut dyn StateVisitor, name: &str, flag: &mut bool) {
    let mut number = u64::from(*flag);
    state.integer(name, &mut number);
    *flag = number != 0;
}
