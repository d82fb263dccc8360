//! `pictures`: makes the pictures of the README and the book anew. A graph is drawn by a program of the book's, the plot by the
//! example `machine-day`; the terminal is that of `system-monitor`, after it has run for a minute in a terminal of tmux's, and the pages
//! are that of `system-monitor`, and that of `greenhouse` with a broker of its own, after another minute each. `pictures pages` makes
//! these two alone.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Result, process};

const FOLDER: &str = "docs/src/pictures";

/// The terminal, in characters.
const COLUMNS: usize = 90;
const LINES: usize = 16;

/// So long it runs before it is looked at.
const MINUTE: Duration = Duration::from_secs(62);

pub(crate) fn run(words: &[String]) -> Result {
    let folder = process::root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    match words {
        [] => drawings(&folder)?,
        [word] if word == "pages" => {}
        _ => return Err("invalid arguments: usage: cargo xtask pictures [pages]".into()),
    }
    pages(&folder)?;
    println!("wrote {FOLDER}; look at the pictures before you keep them");
    Ok(())
}

/// Graphs, a plot, and a terminal.
fn drawings(folder: &Path) -> Result {
    process::run(&mut process::cargo(&format!("run --quiet --package thingflow-book --example pictures -- {FOLDER}")))?;
    process::run(&mut process::cargo(&format!("run --quiet --package machine-day -- {FOLDER}/machine-day.svg")))?;
    process::run(&mut process::cargo("build --release --package system-monitor"))?;
    let screen = screen(&process::target_folder().join("release/system-monitor").display().to_string())?;
    Ok(fs::write(folder.join("system-monitor.svg"), svg(&screen))?)
}

fn pages(folder: &Path) -> Result {
    process::run(&mut process::cargo("build --package system-monitor --package greenhouse"))?;
    let programs = process::target_folder().join("debug");
    page(Command::new(programs.join("system-monitor")), "dark", ["cpu", "memory"], &folder.join("system-page.png"))?;
    greenhouse(&programs.join("greenhouse"), &folder.join("page.png"))
}

/// The page of the greenhouse, with a broker that takes what it sends.
fn greenhouse(program: &Path, file: &Path) -> Result {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(); // free a moment ago
    let mut broker = Command::new("mosquitto").args(["-p", &port.to_string()]).stderr(Stdio::null()).spawn()?;
    let mut greenhouse = Command::new(program);
    greenhouse.args(["--every", "250", "--broker", &format!("mqtt://127.0.0.1:{port}")]);
    let pictured = page(greenhouse, "light", ["temperature", "moisture"], file);
    broker.kill()?;
    broker.wait()?;
    pictured
}

/// The page of a program in a browser, with two plots.
fn page(mut program: Command, scheme: &str, plots: [&str; 2], file: &Path) -> Result {
    // Where it tells the address, to those who read its results or to those who watch it.
    let (told, tell) = io::pipe()?;
    program.args(["--page", "127.0.0.1:0"]).stdout(tell.try_clone()?).stderr(tell);
    let mut running = program.spawn()?;
    drop(program); // it holds the other end
    let pictured = picture(told, scheme, plots, file);
    running.kill()?;
    running.wait()?;
    pictured
}

/// Makes a picture of the page whose address a program tells.
fn picture(told: impl Read + Send + 'static, scheme: &str, plots: [&str; 2], file: &Path) -> Result {
    let mut lines = BufReader::new(told).lines().map_while(io::Result::ok);
    let address = lines.find_map(|line| line.strip_prefix("the page is at ").map(str::to_owned));
    let address =
        plots.iter().fold(address.ok_or("the program has no page")?, |all, plot| format!("{all}&plot={plot}"));
    thread::spawn(move || lines.for_each(drop)); // what it prints has to go somewhere
    let mut picture = process::cargo("run --quiet --package thingflow-page --example picture --");
    process::run(picture.arg(address).arg(file).args(["1200x1120", scheme, &MINUTE.as_secs().to_string()]))
}

/// What a program shows in a terminal of its own, with escape sequences.
fn screen(program: &str) -> Result<String> {
    let tmux = |line: &str| process::command("tmux", &format!("-L thingflow-pictures {line}"));
    process::run(tmux(&format!("new-session -d -x {COLUMNS} -y {LINES}")).arg(program))?;
    println!("waiting for a minute of readings");
    thread::sleep(MINUTE);
    let shown = output(&mut tmux("capture-pane -e -p"));
    process::run(&mut tmux("kill-server"))?;
    shown
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("`{}` failed ({})", process::shown(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

const LINE: usize = 18;
const CHARACTER: f64 = 8.4;
const MARGIN: usize = 14;

/// A terminal's text with its colours, as a picture that is light or dark as its reader's screen is.
fn svg(screen: &str) -> String {
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    let (width, height) = ((COLUMNS as f64 * CHARACTER) as usize + 2 * MARGIN, lines.len() * LINE + 2 * MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>text{{font:14px ui-monospace,Menlo,\"DejaVu Sans Mono\",monospace;fill:#1f2328;white-space:pre}}\
         rect{{fill:#f6f8fa;stroke:#d1d9e0}}.bold{{font-weight:bold}}.dim{{fill-opacity:.6}}.red{{fill:#cf222e}}\
         @media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}rect{{fill:#161b22;stroke:#3d444d}}.red{{fill:#ff7b72}}}}\
         </style>\n<rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        width - 1,
        height - 1
    );
    for (at, line) in lines.iter().enumerate() {
        text += &format!("<text xml:space=\"preserve\" x=\"{MARGIN}\" y=\"{}\">", MARGIN + 13 + at * LINE);
        spans(line).for_each(|(style, part)| text += &span(&style, part));
        text += "</text>\n";
    }
    text + "</svg>\n"
}

/// The parts of a line, each with the names of its styles.
fn spans(line: &str) -> impl Iterator<Item = (String, &str)> {
    let mut styles: Vec<&str> = Vec::new();
    line.split("\x1b[").enumerate().filter_map(move |(at, part)| {
        let (codes, part) = if at == 0 { ("", part) } else { part.split_once('m')? };
        for code in codes.split(';') {
            match code {
                "0" | "39" => styles.clear(),
                "1" => styles.push("bold"),
                "2" => styles.push("dim"),
                "31" => styles.push("red"),
                _ => {}
            }
        }
        (!part.is_empty()).then(|| (styles.join(" "), part))
    })
}

fn span(style: &str, part: &str) -> String {
    let part = part.replace('&', "&amp;").replace('<', "&lt;");
    if style.is_empty() { part } else { format!("<tspan class=\"{style}\">{part}</tspan>") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_becomes_a_picture() {
        let picture = svg("\x1b[1mname\x1b[0m  now\n\x1b[1m\x1b[31ma<b&c\x1b[0m\x1b[2m 5\x1b[0m\n\n");
        assert!(picture.contains("><tspan class=\"bold\">name</tspan>  now</text>"), "{picture}");
        assert!(
            picture.contains("><tspan class=\"bold red\">a&lt;b&amp;c</tspan><tspan class=\"dim\"> 5</tspan></text>")
        );
        assert_eq!(picture.matches("<text").count(), 2);
    }
}
