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
    let filter = env_logger::Env::default().default_filter_or("info");
    if env_logger::Builder::from_env(filter).format_timestamp_millis().try_init().is_err() {
        log::debug!("the program has a logger already; it stays");
    }
}
