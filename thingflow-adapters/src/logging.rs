//! The log on the terminal: [`init`].

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
