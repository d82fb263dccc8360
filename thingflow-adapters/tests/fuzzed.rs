//! The checks of the fuzz targets, for a while: on the corpus, on what is made of it, and on bytes at random.
#![cfg(all(feature = "cron", feature = "csv", feature = "durations", feature = "lines", feature = "mqtt"))]

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[path = "../../fuzz/checks/cron.rs"]
mod cron;
#[path = "../../fuzz/checks/csv.rs"]
mod csv;
#[path = "../../fuzz/checks/lines.rs"]
mod lines;
#[path = "../../fuzz/checks/mqtt.rs"]
mod mqtt;
#[path = "../../fuzz/checks/times.rs"]
mod times;

/// The files of a target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(folder).expect("the corpus is in the repository");
    files.map(|file| fs::read(file.expect("a file").path()).expect("a file")).collect()
}

/// Bytes of the corpus, cut, doubled and with others in between.
fn mutated(target: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = (prop::sample::select(corpus(target)), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let piece = piece.prop_map(|(bytes, from, to)| {
        let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
        bytes[from.min(to)..from.max(to)].to_vec()
    });
    let signs = prop::collection::vec(prop::sample::select(&b"\"\",;\n\n\r\0\xEF\xBB\xBF\xFF01-.eT:Z#L*/@ "[..]), 0..6);
    prop::collection::vec(prop_oneof![piece, signs, prop::collection::vec(any::<u8>(), 0..4)], 0..8)
        .prop_map(|all| all.concat())
}

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
