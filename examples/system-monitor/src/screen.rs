//! [`Screen`]: what is to be seen, as lines.

use crate::flow::{Alarm, Finding};
use crate::machine::{Cost, Top};
use crate::row::Row;
use crate::terminal::Size;

const TITLE: &str = "\x1b[1m";
const QUIET: &str = "\x1b[2m";
const LOUD: &str = "\x1b[1;31m";

/// Something new to be seen.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Finding(Finding),
    Top(Top),
    Cost(Cost),
    /// What went wrong and ended nothing.
    Problem(String),
}

/// The state of everything, from the news.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    rows: Vec<Row>,
    /// Those that have begun and are not over.
    alarms: Vec<Alarm>,
    top: Option<Top>,
    cost: Option<Cost>,
    problem: Option<String>,
}

impl Screen {
    pub(crate) fn take(&mut self, news: News) {
        match news {
            News::Finding(Finding::Row(row)) => match self.rows.iter_mut().find(|known| known.id == row.id) {
                Some(known) => *known = row,
                None => self.rows.push(row),
            },
            News::Finding(Finding::Alarm(alarm)) => {
                self.alarms.retain(|known| known.id != alarm.id);
                self.alarms.extend(Some(alarm).filter(|alarm| alarm.begins));
            }
            News::Top(top) => self.top = Some(top),
            News::Cost(cost) => self.cost = Some(cost),
            News::Problem(problem) => self.problem = Some(problem),
        }
    }

    /// Everything on a screen of this size. Rows that do not fit are counted.
    pub(crate) fn lines(&self, size: Size) -> Vec<String> {
        let below = self.below();
        let room = size.lines.saturating_sub(2 + below.len());
        let shape = Shape::of(size.columns);
        let mut lines = vec![shape.heading()];
        let shown = if self.rows.len() > room { room.saturating_sub(1) } else { room };
        lines.extend(self.rows.iter().take(shown).map(|row| self.row(row, shape)));
        if self.rows.len() > shown {
            lines.push(format!("{QUIET}… and {} more: make the window higher", self.rows.len() - shown));
        }
        lines.push(String::new());
        lines.extend(below);
        lines.into_iter().map(|line| cut(&line, size.columns)).collect()
    }

    fn row(&self, row: &Row, shape: Shape) -> String {
        let unit = row.unit();
        let color = if self.alarms.iter().any(|alarm| alarm.id == row.id) { LOUD } else { "" };
        let last = [row.mean(), row.min(), row.max()].into_iter().take(shape.columns);
        let last: String = last.map(|value| format!("{:>10}", unit.shown(value))).collect();
        let (id, now) = (cut(&row.id.to_string(), 15), unit.shown(row.now()));
        format!("{color}{id:<16}{now:>10}{QUIET}{last}\x1b[0m  {}", row.sparkline(shape.bars))
    }

    fn below(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(top) = &self.top {
            lines.push(format!("top process: {} (pid {})", printable(&top.name), top.pid));
        }
        lines.extend(self.alarms.iter().map(|alarm| format!("{LOUD}{alarm}")));
        lines.extend(self.problem.iter().map(|problem| format!("{LOUD}{}", printable(problem))));
        let cost = self.cost.map_or_else(|| "not measured yet".to_owned(), |cost| cost.to_string());
        lines.push(format!("{QUIET}this program: {cost}; Ctrl-C ends it"));
        lines
    }

    /// The latest values in one line, for an output that is no terminal.
    pub(crate) fn line(&self) -> String {
        let shown = |row: &Row| format!("{} {}", row.id, row.unit().shown(row.now()));
        let mut parts: Vec<String> = self.rows.iter().map(shown).collect();
        parts.extend(self.top.iter().map(|top| printable(&top.name)));
        parts.join(", ")
    }
}

/// What a row has room for besides its name and its latest value.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// So many of mean, minimum and maximum.
    columns: usize,
    /// So many bars.
    bars: usize,
}

impl Shape {
    fn of(width: usize) -> Self {
        let rest = width.saturating_sub(16 + 10 + 2);
        let columns = (rest.saturating_sub(12) / 10).min(3); // there is always room for a few bars
        Self { columns, bars: rest.saturating_sub(10 * columns).min(60) }
    }

    fn heading(self) -> String {
        let last: String = ["mean", "min", "max"].iter().take(self.columns).map(|name| format!("{name:>10}")).collect();
        let bars = if self.bars >= 11 { "  last minute" } else { "" };
        format!("{TITLE}{:<16}{:>10}{last}{bars}", "system-monitor", "now")
    }
}

/// Without control characters: a process may call itself anything.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The line as far as it fits; escape sequences take no room.
fn cut(line: &str, columns: usize) -> String {
    let (mut kept, mut room, mut in_escape) = (String::new(), columns, false);
    for c in line.chars() {
        let is_seen = !in_escape && c != '\x1b';
        in_escape = (in_escape || c == '\x1b') && c != 'm';
        if is_seen && room == 0 {
            continue;
        }
        room -= usize::from(is_seen);
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::prelude::*;

    const SIZE: Size = Size { columns: 76, lines: 24 };

    fn plain(lines: &[String]) -> Vec<String> {
        let escapes = ["\x1b[0m", TITLE, QUIET, LOUD];
        lines.iter().map(|line| escapes.iter().fold(line.clone(), |line, it| line.replace(it, ""))).collect()
    }

    fn row(id: &str, value: f64) -> News {
        News::Finding(Finding::Row(Row::new(&SensorEvent::new(SensorId::intern(id), Timestamp::from_secs(0), value))))
    }

    #[test]
    fn a_screen_shows_a_line_for_each_sensor() {
        let mut screen = Screen::default();
        screen.take(row("cpu", 12.5));
        screen.take(row("eth0 in", 1500.0));
        screen.take(News::Top(Top { name: "a\x1b[2Jb".to_owned(), pid: 7, percent: 1.0 }));
        assert_eq!(
            plain(&screen.lines(SIZE)),
            [
                "system-monitor         now      mean       min       max  last minute",
                "cpu                 12.5 %    12.5 %    12.5 %    12.5 %  ▂",
                "eth0 in             1.5 kB    1.5 kB    1.5 kB    1.5 kB  █",
                "",
                "top process: a?[2Jb (pid 7)",
                "this program: not measured yet; Ctrl-C ends it",
            ]
        );
        assert_eq!(screen.line(), "cpu 12.5 %, eth0 in 1.5 kB, a?[2Jb");
    }

    #[test]
    fn a_narrow_screen_shows_whole_columns_and_bars() {
        let mut screen = Screen::default();
        (0..60).for_each(|_| screen.take(row("eth0 in", 1500.0)));
        let shown = |columns| plain(&screen.lines(Size { columns, lines: 24 }))[..2].to_vec();
        assert_eq!(shown(40), ["system-monitor         now  last minute", "eth0 in             1.5 kB  █"]);
        assert_eq!(shown(50)[0], "system-monitor         now      mean  last minute");
        assert_eq!(shown(70)[0], "system-monitor         now      mean       min       max  last minute");
    }

    #[test]
    fn what_does_not_fit_is_counted_and_cut() {
        let mut screen = Screen::default();
        (0..30).for_each(|core| screen.take(row(&format!("core {core}"), 1.0)));
        let lines = plain(&screen.lines(Size { columns: 20, lines: 10 }));
        assert_eq!(lines.len(), 10, "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 20), "{lines:?}");
        assert_eq!(lines[7], "… and 24 more: make ");
    }
}
