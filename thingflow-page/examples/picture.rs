//! Makes a picture of a page that is being served, for the README and the book: `cargo xtask pictures` runs it.
//!
//! ```sh
//! cargo run -p thingflow-page --example picture -- 'http://127.0.0.1:8080/#token=…&plot=cpu' page.png 1200x900 light 60
//! ```
//!
//! The last word is for how many seconds the page is looked at before.

#[allow(dead_code, reason = "the tests of the page drive it as well")]
#[path = "../tests/browser/chromium.rs"]
mod chromium;

use chromium::{Chromium, Done};
use serde_json::json;

fn main() -> Done {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [address, file, size, scheme, seconds] = &*words else {
        return Err("usage: picture ADDRESS FILE WIDTHxHEIGHT light|dark SECONDS".into());
    };
    let (width, height) = size.split_once('x').ok_or("invalid size: give 1200x900")?;
    let (width, height) = (width.parse()?, height.parse()?);
    let mut browser = Chromium::start()?;
    let tab = browser.open("about:blank")?;
    browser.resize(&tab, width, height)?;
    browser.prefer(&tab, scheme)?;
    browser.go(&tab, address)?;
    browser.until(&tab, "document.getElementById('word').textContent === 'running'")?;
    // The browser says nothing meanwhile, so it is asked again and again.
    for _ in 0..seconds.parse()? {
        browser.value(&tab, "new Promise((yes) => setTimeout(yes, 1000))")?;
    }
    let answer = browser.on(&tab, "Page.captureScreenshot", &json!({ "format": "png" }))?;
    std::fs::write(file, chromium::from_base64(answer["data"].as_str().ok_or("a picture")?).ok_or("invalid base64")?)?;
    Ok(())
}
