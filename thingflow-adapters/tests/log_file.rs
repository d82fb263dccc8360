//! The log in a file: levels, what is written at once, a second start.
#![cfg(feature = "log")]

use std::error::Error;
use std::fs;

use thingflow_adapters::logging;

#[test]
fn mp11_warnings_are_written_at_once_with_what_was_before_and_a_second_start_is_an_error() -> Result<(), Box<dyn Error>>
{
    let dir = tempfile::tempdir()?;
    let (path, other) = (dir.path().join("lux.log"), dir.path().join("other.log"));
    let error = logging::init_file(&path, 4095).expect_err("it is too small").to_string();
    assert!(error.starts_with("invalid limit of the log file ") && error.contains("4096 at least"), "{error}");
    assert!(!path.exists());
    let log = logging::init_file(&path, 4096)?;
    log::info!("the lamp is on");
    log::debug!("of no interest");
    assert_eq!(fs::read_to_string(&path)?, "");
    log::warn!("the lamp is hot");
    let text = fs::read_to_string(&path)?;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(
        text.contains(" INFO ") && text.contains("the lamp is on\n") && text.ends_with("the lamp is hot\n"),
        "{text}"
    );
    log::info!("the lamp is off");
    log.flush();
    assert!(fs::read_to_string(&path)?.ends_with("the lamp is off\n"));
    let error = logging::init_file(&other, 4096).expect_err("there is one").to_string();
    assert!(error.contains("the program has a logger already"), "{error}");
    for n in 0..100 {
        log::error!("{n}");
    }
    let (now, before) = (fs::read_to_string(&path)?, fs::read_to_string(dir.path().join("lux.log.1"))?);
    assert!(now.len() <= 4096 && before.len() <= 4096 && before.len() > 3900, "{} {}", now.len(), before.len());
    assert!(now.ends_with(" 99\n"), "{now}");
    let error = logging::init_file("/nowhere/lux.log", 4096).expect_err("there is no such folder").to_string();
    assert!(error.starts_with("cannot open the log file /nowhere/lux.log: "), "{error}");
    Ok(())
}
