//! The names of files that keep copies of damaged parts.

const ENDING: &str = ".bad";

/// The copy of what stands in a segment at an offset.
pub(crate) fn name(segment: u64, offset: u64) -> String {
    format!("{segment:020}-{offset}{ENDING}")
}

/// Whether a file is such a copy.
pub(crate) fn is_copy(file: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = file.strip_suffix(ENDING).and_then(|name| name.split_once('-'));
    parts.is_some_and(|(segment, offset)| segment.len() == 20 && is_number(segment) && is_number(offset))
}
