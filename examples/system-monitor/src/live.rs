//! The live run: sensors → flow → screen, and files if asked for.

use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::rc::Rc;

use thingflow::joins::merge;
use thingflow::prelude::*;

use crate::args::Options;
use crate::flow::{Finding, watch};
use crate::machine::{Machine, Sources};
use crate::recording::record;
use crate::screen::{News, Screen};
use crate::terminal::{Size, Terminal};

/// What the last screen becomes when its terminal is given back.
const LAST: Size = Size { columns: 100, lines: 200 };

/// Watches until it is told to end, or has all readings; returns what is to be said then.
pub(crate) fn run(options: &Options) -> Result<String, Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let sources = Machine::schedule(&scheduler, options.ticks.unwrap_or(usize::MAX))?;
    let findings = watch(&sources.readings);
    if let Some(folder) = &options.csv {
        record(folder, &sources.readings, &findings)?;
    }
    let problems = scheduler.reports().map(|report| News::Problem(report.to_string())).share();
    let news = merge((findings.map(News::Finding), sources.top.map(News::Top), sources.cost.map(News::Cost))).share();
    let view = Rc::new(RefCell::new(View::open(sources.ports())?));
    for (port, view) in [(&news, Rc::clone(&view)), (&problems, Rc::clone(&view))] {
        port.try_for_each(move |news| view.borrow_mut().take(news));
    }
    let shown = Rc::clone(&view);
    news.map(|_| ()).coalesce().try_for_each(move |()| shown.borrow_mut().show());

    let ended = scheduler.run_forever();
    let text = view.borrow_mut().close();
    ended?;
    Ok(text)
}

/// Where the news go: a screen, or lines.
struct View {
    screen: Screen,
    terminal: Option<Terminal>,
    ports: Vec<PortRef>,
    /// The graph with its counts when it was last looked at: at the end of the run nothing is connected any more.
    graph: String,
}

impl View {
    fn open(ports: Vec<PortRef>) -> io::Result<Self> {
        Ok(Self { screen: Screen::default(), terminal: Terminal::open()?, ports, graph: String::new() })
    }

    /// An alarm and a problem are lines of their own where there is no screen.
    fn take(&mut self, news: News) -> io::Result<()> {
        let line = match &news {
            News::Finding(Finding::Alarm(alarm)) => Some(alarm.to_string()),
            News::Problem(problem) => Some(problem.clone()),
            _ => None,
        };
        self.screen.take(news);
        if let (Some(line), None) = (line, &self.terminal) {
            say(&line)?;
        }
        Ok(())
    }

    fn show(&mut self) -> io::Result<()> {
        self.graph = Sources::graph(&self.ports).connections();
        match &self.terminal {
            Some(terminal) => terminal.show(&self.screen.lines(terminal.size())),
            None => say(&self.screen.line()),
        }
    }

    /// Gives the terminal back. The text is the last screen, if there was one, and the graph.
    fn close(&mut self) -> String {
        let last = self.terminal.take().map(|_| self.screen.lines(LAST).join("\x1b[0m\n") + "\x1b[0m\n\n");
        format!("{}events on each connection:\n{}", last.unwrap_or_default(), self.graph)
    }
}

fn say(line: &str) -> io::Result<()> {
    use std::io::Write;
    writeln!(io::stdout(), "{line}")
}
