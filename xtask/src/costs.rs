//! What each operator costs: `operators` measures all of them, here and on an emulated board, and keeps the figures in
//! [`PATH`], from which the book's list takes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::operators::{Form, Group};
use crate::tree::Tree;
use crate::{Result, bare, bench, process};

/// Where the figures stand in the repository.
pub(crate) const PATH: &str = "benches/operators.csv";

const HEAD: &str = "operator,instructions,bytes,bytes on the heap,Cortex-M4 instructions,Cortex-M4 bytes";

/// Calls without figures of their own, and why.
const UNMEASURED: [(&str, &str); 13] = [
    ("begin_each", "a source for each event"),
    ("catch", "nothing before the error"),
    ("exhaust", "as `merge`; its events are ports"),
    ("merge_all", "as `merge`; its events are ports"),
    ("switch", "as `merge`; its events are ports"),
    ("flatten_value", "as `map_value` for each part, and one holder more"),
    ("feedback", "the scheduler's, in a later turn"),
    ("print", "the writer's"),
    ("at_times", "a timer's"),
    ("interval", "a timer's"),
    ("timer", "a timer's"),
    ("never", "no event"),
    ("retry", "the source's"),
];

/// The figures of one operator, as they are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    instructions: String,
    bytes: String,
    heap: String,
    /// Where there is no allocator; empty if it needs one.
    board: Option<[String; 2]>,
}

/// All figures that are kept.
#[derive(Debug, Default)]
pub(crate) struct Costs(BTreeMap<String, Cost>);

impl Costs {
    /// Those of the repository.
    pub(crate) fn of(tree: &Tree) -> Self {
        let text = tree.get(PATH).map_or("", |file| &file.text);
        Self(text.lines().skip(1).filter_map(read).collect())
    }

    /// What the list says of a form: instructions, and bytes. A form whose calls have no figure has a dash, with the reason.
    pub(crate) fn said(&self, form: &Form) -> [String; 2] {
        let mut names = form.calls.iter().map(|call| name(call));
        if let Some(cost) = names.clone().find_map(|name| self.0.get(name)) {
            return cost.said();
        }
        let reason = names.find_map(|name| UNMEASURED.iter().find(|(unmeasured, _)| *unmeasured == name));
        reason.map_or_else(Default::default, |(_, reason)| [format!("- ({reason})"), "-".to_string()])
    }

    /// The names of which nobody knows whom they mean, and the forms that have neither a figure nor a reason, or both.
    pub(crate) fn mistakes(&self, groups: &[Group<'_>]) -> Vec<String> {
        let forms: Vec<&Form> = groups.iter().flat_map(|group| &group.operators).flat_map(|op| &op.forms).collect();
        let names = |form: &Form| form.calls.iter().map(|call| name(call).to_string()).collect::<BTreeSet<_>>();
        let known: BTreeSet<String> = forms.iter().flat_map(|form| names(form)).collect();
        let unknown = self.0.keys().map(String::as_str).chain(UNMEASURED.iter().map(|(name, _)| *name));
        let unknown =
            unknown.filter(|name| !known.contains(*name)).map(|name| format!("there is no operator `{name}`"));
        let twice = UNMEASURED.iter().filter(|(name, _)| self.0.contains_key(*name));
        let twice = twice.map(|(name, _)| format!("`{name}` has figures, and a reason for having none"));
        let bare = forms.iter().filter(|form| self.said(form)[0].is_empty());
        let bare = bare.map(|form| format!("`{}` has no figures", form.calls.join("`, `")));
        unknown.chain(twice).chain(bare).collect()
    }
}

/// The name in `take(n)`, `take_last_of::<N>()` and `Window::sliding(n)`.
fn name(call: &str) -> &str {
    let end = call.find('(').unwrap_or(call.len());
    call[..end].split("::<").next().unwrap_or_default()
}

fn read(line: &str) -> Option<(String, Cost)> {
    let cells: Vec<String> = line.split(',').map(str::to_string).collect();
    let [name, instructions, bytes, heap, on_board, board_bytes] = cells.try_into().ok()?;
    let board = (!on_board.is_empty()).then_some([on_board, board_bytes]);
    Some((name, Cost { instructions, bytes, heap, board }))
}

impl Cost {
    fn said(&self) -> [String; 2] {
        let heap = if self.heap == "0" { String::new() } else { format!(" + {}", self.heap) };
        let here = [self.instructions.clone(), format!("{}{heap}", self.bytes)];
        let Some(board) = &self.board else { return here };
        [0, 1].map(|n| format!("{} / {}", here[n], board[n]))
    }
}

/// Measures, and keeps the figures.
pub(crate) fn run(_: &[String]) -> Result {
    let figures = process::target_folder().join("operators.jsonl");
    bench::run(&["--only".into(), "operators".into(), "--json".into(), figures.display().to_string()])?;
    let mut costs = here(&fs::read_to_string(&figures)?)?;
    for (name, on_board) in on_board(&bare::costs()?)? {
        costs.entry(name).or_default().board = Some(on_board);
    }
    let mut text = format!("{HEAD}\n");
    for (name, Cost { instructions, bytes, heap, board }) in costs {
        let [on_board, board_bytes] = board.unwrap_or_default();
        let _ = writeln!(text, "{name},{instructions},{bytes},{heap},{on_board},{board_bytes}");
    }
    fs::write(process::root().join(PATH), text)?;
    println!("wrote {PATH}; `cargo xtask book` takes it into the list");
    Ok(())
}

/// What the benches say, a JSON object a line.
fn here(figures: &str) -> Result<BTreeMap<String, Cost>> {
    let mut costs: BTreeMap<String, Cost> = BTreeMap::new();
    for line in figures.lines() {
        let figure: Value = serde_json::from_str(line)?;
        let word = |key: &str| figure[key].as_str().ok_or_else(|| format!("a figure without its {key}: {line}"));
        let value = figure["value"].as_f64().ok_or_else(|| format!("not measured: {line}"))?;
        let cost = costs.entry(word("name")?.to_string()).or_default();
        let place = match word("unit")? {
            "instr" => &mut cost.instructions,
            "bytes" => &mut cost.bytes,
            _ => &mut cost.heap,
        };
        *place = format!("{value:.0}");
    }
    Ok(costs)
}

/// What the board says: how many instructions a known loop took, then `operator,bytes,instructions` a line.
fn on_board(said: &str) -> Result<Vec<(String, [String; 2])>> {
    let mut lines = said.lines();
    let counted = lines.next().and_then(|line| line.split_once(','));
    let [known, counted] = counted.map(|(known, counted)| [known, counted].map(str::parse::<f64>)).ok_or("no count")?;
    let (known, counted) = (known?, counted?);
    if (counted - known).abs() > known * 1e-3 {
        return Err(format!("the board counts {counted} instructions for {known}").into());
    }
    let row = |line: &str| -> Option<(String, [String; 2])> {
        let [name, bytes, instructions] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
        let instructions = format!("{:.0}", instructions.parse::<f64>().ok()?);
        Some((name.to_string(), [instructions, bytes.to_string()]))
    };
    lines.map(|line| row(line).ok_or_else(|| format!("invalid line of the board: {line}").into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(calls: &[&str]) -> Form {
        Form { calls: calls.iter().map(ToString::to_string).collect(), ..Form::default() }
    }

    fn costs() -> Costs {
        let text = format!("{HEAD}\ntake,9,8,0,12,4\nchunks,98,80,40,,\nWindow::sliding,61,9,0,,\n");
        Costs::of(&Tree::of(&[(PATH, &text)]))
    }

    #[test]
    fn figures_stand_beside_their_calls() {
        assert_eq!(costs().said(&form(&["take(n)"])), ["9 / 12", "8 / 4"]);
        assert_eq!(costs().said(&form(&["chunks(n)"])), ["98", "80 + 40"]);
        assert_eq!(costs().said(&form(&["Window::sliding(n)"])), ["61", "9"]);
        assert_eq!(costs().said(&form(&["never()"])), ["- (no event)", "-"]);
        assert_eq!(costs().said(&form(&["map(f)"])), ["", ""]);
    }

    #[test]
    fn names_of_calls() {
        let calls = ["take(n)", "take_last_of::<N>()", "Window::every_of::<SIZE>(step)", "Ring::new(n)", "count()"];
        assert_eq!(calls.map(name), ["take", "take_last_of", "Window::every_of", "Ring::new", "count"]);
    }

    #[test]
    fn what_was_measured_is_read() {
        let figures = r#"{"name":"take","unit":"instr","value":9.4}
{"name":"take","unit":"bytes","value":8.0}
{"name":"take","unit":"heap bytes","value":0.0}"#;
        let expected = Cost { instructions: "9".into(), bytes: "8".into(), heap: "0".into(), board: None };
        assert_eq!(here(figures).unwrap()["take"], expected);
        assert!(here(r#"{"name":"take","unit":"instr","value":null}"#).is_err());
    }

    #[test]
    fn a_board_that_counts_wrongly_is_an_error() {
        let rows = on_board("200002,200003\ntake,4,11.7\n").unwrap();
        assert_eq!(rows, [("take".to_string(), ["12".to_string(), "4".to_string()])]);
        assert!(on_board("200002,100001\ntake,4,11.7\n").is_err());
        assert!(on_board("").is_err());
        assert!(on_board("200002,200003\ntake,4\n").is_err());
    }
}
