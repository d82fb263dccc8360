//! The live run: sensors → flow → screen, and files if asked for.

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use thingflow::Stopper;
use thingflow::diagram::Graph;
use thingflow::history::{History, Past};
use thingflow::joins::merge;
use thingflow::page::{self, Page};
use thingflow::prelude::*;

use crate::args::Options;
use crate::flow::{Finding, watch};
use crate::machine::{self, Cost, Sources, Top};
use crate::recording::record;
use crate::row::Unit;
use crate::screen::{News, Screen};
use crate::terminal::{Size, Terminal};

/// Sensors whose readings the page keeps.
const PERCENTS: &[&str] = &["cpu", "memory"];

/// So many of each: three hours.
const HOURS: usize = 10_800;

/// What the last screen becomes when its terminal is given back.
const LAST: Size = Size { columns: 100, lines: 200 };

/// Watches until it is told to end, or has all readings; returns what is to be said then.
pub(crate) fn run(options: &Options) -> Result<String, Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let sources = machine::schedule(&scheduler)?;
    let findings = watch(&sources.readings);
    if let Some(folder) = &options.csv {
        record(folder, &sources.readings, &findings)?;
    }
    let top = sources.top.map(|event| News::Top(event.val));
    let cost = sources.cost.map(|event| News::Cost(event.val));
    let problems = scheduler.reports().map(|report| News::Problem(report.to_string())).share().named("problems");
    let news = merge((findings.map(News::Finding), top, cost)).share().named("news");

    let view = Rc::new(RefCell::new(View::open(options.ticks, scheduler.stopper())?));
    for (port, view) in [(&news, Rc::clone(&view)), (&problems, Rc::clone(&view))] {
        port.try_for_each(move |news| view.borrow_mut().take(news));
    }
    news.map(|_| ()).coalesce().connect(Shown(Rc::clone(&view)));

    let page = options.page.as_deref().map(|address| serve(address, &scheduler, &sources)).transpose()?;
    if let Some(page) = &page {
        view.borrow_mut().screen.take(News::Problem(format!("the page is at {}", page.url())));
        eprintln!("the page is at {}", page.url());
    }

    let ended = scheduler.run_forever();
    let text = view.borrow_mut().close();
    ended?;
    Ok(text)
}

/// The page, with the last hours of load and memory. What holds up everything else for a tenth of a second is named there.
fn serve(address: &str, scheduler: &Scheduler, sources: &Sources) -> Result<Page, Box<dyn Error>> {
    scheduler.watch_on_separate_thread(Duration::from_millis(100))?;
    scheduler.show::<SensorEvent<Vec<f64>>>();
    scheduler.show::<SensorEvent<Top>>();
    scheduler.show::<SensorEvent<Cost>>();
    let mut options = page::Options::new(address).title("This machine");
    for name in &sources.numbers {
        let unit = match Unit::of(name) {
            Unit::Percent => "%",
            Unit::Bytes => "B/s",
            Unit::Celsius => "°C",
        };
        options = options.unit(name, unit);
    }
    for name in PERCENTS {
        let history = History::new(Limit::drop_oldest(HOURS));
        sources.readings.filter(move |event| event.sensor_id == *name).map(|event| event.val).keep(&history);
        options = options.past(*name, move |span| Ok(history.range(span)?));
    }
    Ok(options.serve(scheduler)?)
}

/// Where the news go: a screen, or lines.
struct View {
    screen: Screen,
    terminal: Option<Terminal>,
    /// The graph with its counts when it was last looked at: at the end of the run nothing is connected any more.
    graph: String,
    /// How often it is still shown before the run is to end; no end if none.
    left: Option<usize>,
    stopper: Stopper,
}

impl View {
    fn open(left: Option<usize>, stopper: Stopper) -> io::Result<Self> {
        let (screen, terminal) = (Screen::default(), Terminal::open()?);
        Ok(Self { screen, terminal, graph: String::new(), left, stopper })
    }

    /// An alarm and a problem are lines of their own where there is no screen.
    fn take(&mut self, news: News) -> io::Result<()> {
        let line = match &news {
            News::Finding(Finding::Alarm(alarm)) => Some(alarm.to_string()),
            News::Problem(problem) => Some(problem.clone()),
            _ => None,
        };
        self.screen.take(news);
        match line.filter(|_| self.terminal.is_none()) {
            Some(line) => self.say(&line),
            None => Ok(()),
        }
    }

    /// Once a second, when all sensors have been sampled.
    fn show(&mut self) -> io::Result<()> {
        match &self.terminal {
            Some(terminal) => terminal.show(&self.screen.lines(terminal.size())),
            None => self.say(&self.screen.line()),
        }
    }

    /// A line, where there is no screen. The program ends when nobody reads it any more.
    fn say(&self, line: &str) -> io::Result<()> {
        match writeln!(io::stdout(), "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.stopper.stop(),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Keeps the graph, between two calls: inside of one, the ports that are sending do not show what is connected to them.
    fn keep(&mut self, graph: &Graph) {
        self.graph = graph.connections();
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            self.stopper.stop();
        }
    }

    /// Gives the terminal back. The text is the last screen, if there was one, and the graph.
    fn close(&mut self) -> String {
        let last = self.terminal.take().map(|_| self.screen.lines(LAST).join("\x1b[0m\n") + "\x1b[0m\n\n");
        format!("{}events on each connection:\n{}", last.unwrap_or_default(), self.graph)
    }
}

/// Shows the view at each event, and looks at the graph after it.
struct Shown(Rc<RefCell<View>>);

impl Sink for Shown {
    type Event = ();

    fn on_next(&mut self, (): (), cx: &mut Context<'_>) -> Receipt {
        self.0.borrow_mut().show().map_err(|error| cx.fatal(error))?;
        let view = Rc::clone(&self.0);
        cx.inspect(move |snapshot, _| {
            view.borrow_mut().keep(&snapshot.graph);
            Ok(())
        });
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("screen", &error);
        Ok(())
    }
}
