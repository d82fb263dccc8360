//! What a user without the right gets: errors that say which right is missing, and how to get it.
#![cfg(all(feature = "csv", feature = "lines"))]

use std::error::Error;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use thingflow_adapters::{csv, lines};

/// Runs `test` on a thread that has no more rights than any user, even if the tests are run by root.
fn without_rights<R: Send>(test: impl FnOnce() -> R + Send) -> Result<R, Box<dyn Error>> {
    let ordinary = || {
        let mut sets = capabilities(None)?;
        sets.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        set_capabilities(None, sets)?;
        Ok(test())
    };
    let tested: std::thread::Result<std::io::Result<R>> = std::thread::scope(|scope| scope.spawn(ordinary).join());
    Ok(tested.map_err(|_| "the test panicked")??)
}

fn forbid(path: &Path) -> std::io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o000))
}

#[test]
fn files_that_may_not_be_opened() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lux.csv");
    File::create(&path)?;
    forbid(&path)?;
    let texts = without_rights(|| {
        [
            csv::read::<f64>(&path).map(drop).unwrap_err().to_string(),
            csv::append::<f64>(&path).map(drop).unwrap_err().to_string(),
            lines::read(&path).map(drop).unwrap_err().to_string(),
            lines::write::<u8>(&path).map(drop).unwrap_err().to_string(),
        ]
    })?;
    for text in texts {
        assert!(text.contains(&path.display().to_string()) && text.contains("Permission denied"), "{text}");
        assert!(text.contains("give the user of this program the right"), "{text}");
    }
    Ok(())
}

#[cfg(feature = "gpiocdev")]
#[test]
fn a_chip_that_may_not_be_used() -> Result<(), Box<dyn Error>> {
    use thingflow_adapters::gpio::{GpioError, chardev::Line};
    let folder = tempfile::tempdir()?;
    let chip = folder.path().join("gpiochip0");
    File::create(&chip)?;
    forbid(&chip)?;
    let error = without_rights(|| Line::at(&chip, 17).input().map(drop).unwrap_err())?;
    assert!(matches!(&error, GpioError::Denied { device } if *device == chip), "{error}");
    assert!(error.to_string().contains("usermod -aG gpio"), "{error}");
    Ok(())
}
