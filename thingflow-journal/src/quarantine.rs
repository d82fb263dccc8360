//! The names of files that keep copies of damaged parts.

const ENDING: &str = ".bad";

/// The copy of what stands in a segment at an offset.
pub(crate) fn name(segment: u64, offset: u64) -> String {
    format!("{segment:020}-{offset}{ENDING}")
}

/// Whether a file is such a copy.
pub(crate) fn is_copy(file: &str) -> bool {
    file.ends_with(ENDING)
}
