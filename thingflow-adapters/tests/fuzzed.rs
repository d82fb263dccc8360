//! The checks of the fuzz targets, for a while: on the corpus, on what is made of it, and on bytes at random.
#![cfg(all(feature = "cron", feature = "csv", feature = "durations", feature = "lines", feature = "mqtt"))]

use mutated::{corpus, mutated};
use proptest::prelude::*;

#[path = "../../fuzz/checks/cron.rs"]
mod cron;
#[path = "../../fuzz/checks/csv.rs"]
mod csv;
#[path = "../../fuzz/checks/lines.rs"]
mod lines;
#[path = "../../fuzz/checks/mqtt.rs"]
mod mqtt;
#[path = "../../fuzz/checks/mutated.rs"]
mod mutated;
#[path = "../../fuzz/checks/times.rs"]
mod times;

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
    targets!(cron csv lines mqtt times);
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
    fn times_take_any_bytes(bytes in mutated("times")) {
        times::check(&bytes);
    }

    #[test]
    fn cron_takes_any_bytes(bytes in mutated("cron")) {
        cron::check(&bytes);
    }
}
