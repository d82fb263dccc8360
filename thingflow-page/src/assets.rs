//! What browsers load, compressed: see `build.rs`.

use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset {
            path: concat!("/", $name),
            kind: $kind,
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
        }
    };
}

/// A file of the page.
pub(crate) struct Asset {
    pub(crate) path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

/// The page itself.
pub(crate) static INDEX: Asset = asset!("index.html", "text/html; charset=utf-8");

/// What it loads.
pub(crate) static OTHERS: [Asset; 4] = [
    asset!("page.css", "text/css; charset=utf-8"),
    asset!("page.js", "text/javascript; charset=utf-8"),
    asset!("uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    asset!("uPlot.min.css", "text/css; charset=utf-8"),
];

impl Asset {
    pub(crate) fn response(&self) -> Response {
        // Browsers ask again after an update of the program.
        let headers = [(CONTENT_TYPE, self.kind), (CONTENT_ENCODING, "gzip"), (CACHE_CONTROL, "no-cache")];
        (headers, self.bytes).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_together_are_small() {
        let bytes: usize = OTHERS.iter().map(|asset| asset.bytes.len()).sum::<usize>() + INDEX.bytes.len();
        assert!(bytes <= 64 * 1024, "{bytes} bytes");
    }
}
