//! Compresses what browsers load, so that a program holds it in the form in which it is sent.

use std::io::{Error, Write};
use std::path::PathBuf;
use std::{env, fs};

use flate2::{Compression, GzBuilder};

const ASSETS: [&str; 5] = ["index.html", "page.css", "page.js", "uPlot.iife.min.js", "uPlot.min.css"];

fn main() -> Result<(), Error> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo names no OUT_DIR"))?);
    for name in ASSETS {
        let path = PathBuf::from("assets").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        // Without the time of the build: the same sources make the same program.
        let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        packed.write_all(&fs::read(&path)?)?;
        fs::write(out.join(format!("{name}.gz")), packed.finish()?)?;
    }
    Ok(())
}
