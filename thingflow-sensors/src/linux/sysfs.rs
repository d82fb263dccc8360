//! Reading the small files of `/sys`.

use std::fs;
use std::path::{Path, PathBuf};

use super::LinuxError;

/// The entries of a directory whose names begin and end so, in the order of their numbers. None if it is not there.
pub(super) fn entries(directory: &Path, prefix: &str, suffix: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut named: Vec<_> = entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, _)| name.starts_with(prefix) && name.ends_with(suffix))
        .collect();
    named.sort_by_key(|(name, _)| (name.len(), name.clone()));
    named
}

pub(super) fn text(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The number in a file.
#[cfg(any(feature = "iio", feature = "hwmon"))]
pub(super) fn number(path: &Path) -> Result<f64, LinuxError> {
    let text = fs::read_to_string(path).map_err(LinuxError::unreadable(path))?;
    parsed(path, &text)
}

/// The number in the text of a file.
#[cfg(any(feature = "iio", feature = "hwmon", feature = "ds18b20"))]
pub(super) fn parsed(path: &Path, text: &str) -> Result<f64, LinuxError> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| LinuxError::malformed(path, format_args!("expected a number, found {text:?}")))
}

/// Reads by what was found before. After a failure that is looked for anew, since a device that was unplugged comes
/// back under another number.
pub(super) fn read_or_find<F, T>(
    found: &mut Option<F>,
    find: impl FnOnce() -> Result<F, LinuxError>,
    read: impl FnOnce(&F) -> Result<T, LinuxError>,
) -> Result<T, LinuxError> {
    let file = found.take().map_or_else(find, Ok)?;
    let reading = read(&file)?;
    *found = Some(file);
    Ok(reading)
}
