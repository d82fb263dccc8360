//! Adapters for `ThingFlow`: where events leave the program, or come into it.
//!
//! | module | what it connects | feature |
//! |---|---|---|
//! | `cron` | calendar times, as events | `cron` |
//! | `csv` | records, such as sensor events, to and from CSV files | `csv` |
//! | `durations` | durations as texts, "10ms" | `durations` |
//! | `fields` | records of `serde` as flat fields | `fields` |
//! | `json` | events to and from JSON texts | `json` |
//! | `lines` | lines of text to and from files, pipes, devices | `lines` |
//! | `outbox` | a buffer on disk that survives, in front of whatever may be away | `outbox` |
//! | `mqtt` | MQTT 3.1.1 and 5: publish, subscribe | `mqtt` |
//! | `net` | addresses and secrets of what speaks over a network | `net` |
//! | `folder` | the files of a folder, each once | `folder` |
//! | `framing` | frames in a stream of bytes: lines, lengths | `framing` |
//! | `past` | ranges of a journal, by the same call as those in memory | `past` |
//! | `recording` | recordings of ports on disk, and their replay with the same results | `recording` |
//! | `gpio` | pins over `embedded-hal`, simulated ones | `gpio` |
//! | `gpio::chardev` | lines of the kernel's GPIO character device, their edges | `gpiocdev` |
//! | `gpio::rppal` | pins of a Raspberry Pi | `rpi` |
//! | `actuators` | PWM outputs, servos, relays, LED strips, displays, buzzers | `pwm`, `servo`, `relay`, … |
//! | `http` | servers that take events, addresses that are polled, long answers | `http` |
//! | `influx` | InfluxDB, VictoriaMetrics, QuestDB | `influx` |
//! | `logging` | the log on the terminal | `log` |
//! | `parquet` | files of columns, for analysis elsewhere | `parquet` |
//! | `plot` | plots and histograms, as SVG files | `plot` |
//! | `postgres` | tables of PostgreSQL | `postgres` |
//! | `sqlite` | tables of SQLite, the store of a board | `sqlite` |
//! | `status` | one line of the terminal that shows where things stand | `status` |
//! | `tcp` | servers and clients of TCP and of Unix sockets | `tcp` |
//! | `process` | other programs: their lines as events, and as filters | `process` |
//! | `systemd` | the service manager: up, alive, stopping | `systemd` |
//! | `uart` | serial lines, both ways | `uart` |
//! | `udp` | datagrams | `udp` |
//! | `webhook` | what others post by HTTP, as events | `webhook` |
//! | `websocket` | WebSockets: servers for many, clients | `websocket` |
//!
//! Writers to files and pins are [`InputThing`](thingflow_core::InputThing)s: connect them at the end of a chain, or beside it. One that
//! fails ends the run, since a silent one would be worse; its error says which file or pin it was and what to do. Writers to what may
//! be away, a server or a database, are [`Worker`](thingflow_core::Worker)s: their events wait and are retried. Readers are
//! [`Source`](thingflow_core::Source)s: schedule them, or run them on the spot. Clients and servers have both sides: a handle gives
//! out their inputs and ports, and a Thing to be scheduled.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "actuators")]
pub mod actuators;
#[cfg(feature = "cron")]
pub mod cron;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "durations")]
pub mod durations;
#[cfg(feature = "fields")]
pub mod fields;
#[cfg(all(feature = "folder", target_os = "linux"))]
pub mod folder;
#[cfg(feature = "framing")]
pub mod framing;
#[cfg(feature = "gpio")]
pub mod gpio;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "influx")]
pub mod influx;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "lines")]
pub mod lines;
#[cfg(feature = "log")]
pub mod logging;
#[cfg(all(feature = "mqtt", unix))]
pub mod mqtt;
#[cfg(all(feature = "net", unix))]
pub mod net;
#[cfg(feature = "outbox")]
pub mod outbox;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "past")]
pub mod past;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "recording")]
pub mod recording;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "status")]
pub mod status;
#[cfg(all(feature = "systemd", target_os = "linux"))]
pub mod systemd;
#[cfg(feature = "tcp")]
pub mod tcp;

#[cfg(feature = "uart")]
pub mod uart;
#[cfg(feature = "udp")]
pub mod udp;
#[cfg(feature = "webhook")]
pub mod webhook;
#[cfg(feature = "websocket")]
pub mod websocket;

#[cfg(any(feature = "tcp", feature = "udp"))]
mod bound;

#[cfg(any(
    feature = "cron",
    feature = "durations",
    feature = "fields",
    feature = "json",
    feature = "lines",
    feature = "net",
    feature = "plot"
))]
mod printable;

#[cfg(any(feature = "webhook", feature = "websocket"))]
mod requests;

#[cfg(feature = "outbox")]
mod journaling;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod tables;

#[cfg(any(feature = "csv", feature = "lines", feature = "parquet"))]
#[cfg_attr(
    not(any(feature = "csv", feature = "lines")),
    allow(dead_code, unused_imports, reason = "Parquet needs a part of it")
)]
mod files;
#[cfg(any(feature = "csv", feature = "lines", feature = "parquet"))]
pub use files::FileError;
