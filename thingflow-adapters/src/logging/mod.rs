//! The log on the terminal: [`init`]; in a file of bounded size: [`init_file`].

mod rotating;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use log::{Level, Log, Metadata, Record};

use rotating::Rotating;

/// Writes what is logged to the standard error stream, from the level `info` up. Call it once, first thing in `main`; a
/// second call changes nothing.
///
/// The environment says otherwise: `RUST_LOG=debug ./flow`, or by module `RUST_LOG=warn,thingflow_core=debug`.
///
/// ```
/// thingflow_adapters::logging::init();
/// ```
pub fn init() {
    let mut logger = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"));
    #[cfg(feature = "status")]
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        // Each record is written at once, above what `status::line` shows.
        logger.target(env_logger::Target::Pipe(Box::new(crate::status::Above)));
        if std::env::var_os("RUST_LOG_STYLE").is_none() && std::env::var_os("NO_COLOR").is_none() {
            logger.write_style(env_logger::WriteStyle::Always);
        }
    }
    if logger.format_timestamp_millis().try_init().is_err() {
        log::debug!("the program has a logger already; it stays");
    }
}

/// A log file may have as many bytes, or more: one block.
const LEAST: u64 = rotating::BLOCK as u64;

/// Writes what is logged to the end of a file, and lets it grow to `limit` bytes, at least 4096: then it becomes `NAME.1`, in the place of
/// the one before, and a new one begins. A record that is longer than that is cut off. Levels are chosen as for [`init`].
///
/// It is kind to memory cards: records are written 4 KiB at a time, or when one is five seconds old and another comes; those of the levels
/// `warn` and `error` at once, with all before. So call it first thing in `main`, and keep what it gives until the end, when the rest is
/// written. A crash without a panic loses what has not been. When the disk is full, records are lost; how many is said in the file later.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.log");
/// let _log = thingflow_adapters::logging::init_file(&path, 1 << 20)?; // two files of 1 MiB at most
/// log::warn!("the lamp is hot");
/// assert!(std::fs::read_to_string(&path)?.contains("the lamp is hot"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The file cannot be opened, the limit is below 4096 bytes, or the program has a logger already.
pub fn init_file(path: impl AsRef<Path>, limit: u64) -> io::Result<LogFile> {
    let path = path.as_ref();
    if limit < LEAST {
        let why = format!("invalid limit of the log file {}: {limit} bytes; give it {LEAST} at least", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let cannot = |error: io::Error| {
        let path = path.display();
        io::Error::new(error.kind(), format!("cannot open the log file {path}: {error}"))
    };
    let file = Arc::new(Mutex::new(Rotating::open(path, limit).map_err(cannot)?));
    let mut logger = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"));
    logger.format_timestamp_millis().write_style(env_logger::WriteStyle::Never);
    let records = Records(file.clone());
    let logger = logger.target(env_logger::Target::Pipe(Box::new(records))).build();
    let most = logger.filter();
    let logger = Logger { logger, file: file.clone() };
    let set = log::set_boxed_logger(Box::new(logger));
    set.map_err(|_| {
        io::Error::new(io::ErrorKind::AlreadyExists, "cannot log to a file: the program has a logger already")
    })?;
    log::set_max_level(most);
    Ok(LogFile(file))
}

/// The log file of a program, see [`init_file`]. Dropping it writes what is held.
#[must_use = "what is held is written when this is dropped"]
pub struct LogFile(Arc<Mutex<Rotating>>);

impl LogFile {
    /// Writes what is held.
    pub fn flush(&self) {
        lock(&self.0).flush();
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.flush();
    }
}

impl fmt::Debug for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogFile")
    }
}

fn lock(file: &Mutex<Rotating>) -> MutexGuard<'_, Rotating> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes each record in one piece.
struct Records(Arc<Mutex<Rotating>>);

impl io::Write for Records {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        lock(&self.0).push(record, Instant::now());
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // after each record
    }
}

struct Logger {
    logger: env_logger::Logger,
    file: Arc<Mutex<Rotating>>,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        self.logger.log(record);
        if record.level() <= Level::Warn && self.logger.matches(record) {
            self.flush();
        }
    }

    fn flush(&self) {
        lock(&self.file).flush();
    }
}
