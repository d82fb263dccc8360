//! The checks of the fuzz targets, for a while: on the corpus, on what is made of it, and on bytes at random.
#![cfg(all(feature = "cron", feature = "csv", feature = "durations", feature = "framing", feature = "http"))]
#![cfg(all(
    feature = "influx",
    feature = "json",
    feature = "lines",
    feature = "mqtt",
    feature = "recording",
    feature = "webhook",
    feature = "websocket"
))]

use mutated::{corpus, mutated};
use proptest::prelude::*;

#[path = "../../fuzz/checks/cron.rs"]
mod cron;
#[path = "../../fuzz/checks/csv.rs"]
mod csv;
#[path = "../../fuzz/checks/framing.rs"]
mod framing;
#[path = "../../fuzz/checks/http_answers.rs"]
mod http_answers;
#[path = "../../fuzz/checks/influx.rs"]
mod influx;
#[path = "../../fuzz/checks/json.rs"]
mod json;
#[path = "../../fuzz/checks/lines.rs"]
mod lines;
#[path = "../../fuzz/checks/mqtt.rs"]
mod mqtt;
#[path = "../../fuzz/checks/mutated.rs"]
mod mutated;
#[path = "../../fuzz/checks/recording.rs"]
mod recording;
#[path = "../../fuzz/checks/times.rs"]
mod times;
#[path = "../../fuzz/checks/webhook.rs"]
mod webhook;
#[path = "../../fuzz/checks/websocket.rs"]
mod websocket;

macro_rules! targets {
    ($($target:ident)*) => {$(
        mod $target {
            #[test]
            fn the_corpus_passes() {
                super::corpus(stringify!($target)).iter().for_each(|bytes| super::super::$target::check(bytes));
            }
        }
    )*};
}

mod passes {
    use super::corpus;
    targets!(cron csv framing http_answers influx json lines mqtt recording times webhook websocket);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn csv_takes_any_bytes(bytes in mutated("csv")) {
        csv::check(&bytes);
    }

    #[test]
    fn lines_take_any_bytes(bytes in mutated("lines")) {
        lines::check(&bytes);
    }

    #[test]
    fn mqtt_takes_any_bytes(bytes in mutated("mqtt")) {
        mqtt::check(&bytes);
    }

    #[test]
    fn a_recording_takes_any_bytes(bytes in mutated("recording")) {
        recording::check(&bytes);
    }

    #[test]
    fn times_take_any_bytes(bytes in mutated("times")) {
        times::check(&bytes);
    }

    #[test]
    fn cron_takes_any_bytes(bytes in mutated("cron")) {
        cron::check(&bytes);
    }

    #[test]
    fn framing_takes_any_bytes(bytes in mutated("framing")) {
        framing::check(&bytes);
    }

    #[test]
    fn an_http_client_takes_any_bytes(bytes in mutated("http_answers")) {
        http_answers::check(&bytes);
    }

    #[test]
    fn influx_takes_any_bytes(bytes in mutated("influx")) {
        influx::check(&bytes);
    }

    #[test]
    fn json_takes_any_bytes(bytes in mutated("json")) {
        json::check(&bytes);
    }

    #[test]
    fn a_webhook_takes_any_bytes(bytes in mutated("webhook")) {
        webhook::check(&bytes);
    }

    #[test]
    fn a_web_socket_takes_any_bytes(bytes in mutated("websocket")) {
        websocket::check(&bytes);
    }
}
