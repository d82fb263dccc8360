//! The wrappers: whatever the sources implement that holds another Thing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use thingflow_core::Notice;
use thingflow_core::joins::{Junction, Merge};
use thingflow_core::prelude::*;

use super::operators::{LOOP, by_port, sinks};
use super::{BY_THE_SCHEDULER, From, Probe, Row, SENT_AT_ONCE, Visit, chain, input, join, mistakes, port};

struct Relay(Port<i32>);

impl Ports for Relay {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.0.as_ref());
    }
}

impl Relay {
    fn on_number(&mut self, n: i32, cx: &mut Context<'_>) -> Receipt {
        self.0.emit(n, cx)
    }
}

const THE_THING: &str = "the Thing says whether its ports end, by `on_completed` and `on_error`";

/// For each wrapper a row, by the type that implements [`InputThing`], or [`Filter`] over another Thing.
fn wrappers() -> Vec<Row> {
    vec![
        Row::new("Box", |probe| vec![input(1, Box::new(probe) as Box<dyn InputThing<i32>>)]),
        Row::new("&mut", |probe| vec![input(1, Box::leak(Box::new(probe)) as &mut dyn InputThing<i32>)]),
        chain("Connected", 1, |p| p),
        chain("Then", 1, |p| p.map(|x| x).map(|x| x)),
        chain("Pipe", 1, |p| p.pipe(pipe().map(|x| x).chunks(3))).collects(),
        port("Port", 1, |p, probe| p.connect(probe)),
        port("Fan", 1, |p, probe| {
            p.connect(probe);
            p.connect(call(drop));
        })
        .own("Open", "the other connection listens"),
        port("Hop", 1, |p, probe| {
            p.connect(probe);
            thingflow_core::diagram::Trace::new().downstream_of(&p.as_ref());
        }),
        Row {
            own: BY_THE_SCHEDULER.into(),
            ..Row::new("Output", |probe| {
                let output = from_iter([1, 2]).output();
                output.connect(probe);
                vec![Box::new(From(output))]
            })
        },
        by_port("WeakPort", |port| input(1, port.downgrade())).own("Completed", LOOP).own("Error", LOOP),
        join("SharedInput", (1, 2), |a, b, probe| {
            let out = Port::new();
            out.connect(probe);
            let relay = Shared::new(Relay(out));
            a.connect(relay.input(Relay::on_number));
            b.connect(relay.input(Relay::on_number))
        })
        .own("Completed", THE_THING)
        .own("Error", THE_THING)
        .own("Open", "the Thing may want events without sending any"),
        Row::new("JunctionInput", |probe| {
            let junction = Box::leak(Box::new(Junction::new(Merge::<i32>::of(2), probe)));
            vec![input(1, junction.input::<0>()), input(2, junction.input::<1>())]
        })
        .own("Watermark", "without an allocator there is no place for those of the inputs"),
        Row::new("AlsoTo", |probe| vec![input(1, pipe().also_to(probe).to(call(drop)))])
            .own("Open", "the branch alone is no reason to go on")
            .own("Draining", SENT_AT_ONCE),
        Row::new("TryWith", |probe| {
            let policy = ErrorPolicy::dead_letter(probe);
            vec![input(1, pipe().try_map_with(policy, |x| Ok::<i32, &str>(*x)).to(call(drop)))]
        })
        .own("Open", "the branch alone is no reason to go on")
        .own("Draining", SENT_AT_ONCE),
    ]
}

/// The types that need no row: they are private to what a row is about, or nothing stands behind them.
const ELSEWHERE: [(&str, &str); 17] = [
    ("Catch", "the operator `catch`"),
    ("Collected", "the operators `each_batch` and `once_a_batch`"),
    ("Dispatcher", "the operator `dispatch`"),
    ("Feedback", "the sink `feedback`"),
    ("Feeder", "the row `Port`, but for its end, which waits for all that feed the port"),
    ("Following", "`Then`"),
    ("GroupBy", "the operator `group_by`"),
    ("Inner", "stands at the end, in `check_wrapper`"),
    ("JoinInput", "the joins"),
    ("Receiver", "stands at the end, in `check_filter`"),
    ("RouteByIndex", "the operator `route_by_index`"),
    ("Nobody", "a vacant place of a port, which is never told of anything"),
    ("One", "the row `Port`"),
    ("PortTap", "an end that is no listener, see `tests/inspection.rs`"),
    ("S", "every sink: an end"),
    ("Split", "the operators `split`, `unzip` and `partition`"),
    ("TimedUnzip", "the operator `timed_unzip`"),
];

/// The texts of the core's sources.
fn texts() -> Vec<String> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                texts.push(std::fs::read_to_string(&entry).expect("a source"));
            }
        }
    }
    texts
}

/// The types of the core that implement [`InputThing`], and those that are given another Thing and are filters.
fn implemented() -> BTreeSet<String> {
    let mut types = BTreeSet::from(["AlsoTo", "Output", "Pipe", "Then", "TryWith"].map(String::from)); // by another trait
    for text in texts() {
        let code: Vec<_> = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
        types.extend(code.join(" ").split("impl").filter_map(implementor).map(String::from));
    }
    types
}

/// The type that an implementation of `InputThing` is for: of `<T> InputThing<T> for a::Port<T> {` it is `Port`.
fn implementor(code: &str) -> Option<&str> {
    let (head, of) = code.split(" {").next()?.split_once(" for ")?;
    let mut depth = 0;
    let arguments = head.strip_suffix('>')?.rfind(|c| {
        depth += i32::from(c == '>') - i32::from(c == '<');
        depth < 0
    })?;
    if !head[..arguments].ends_with(" InputThing") {
        return None;
    }
    if of.starts_with("&mut") {
        return Some("&mut");
    }
    of.split(['<', ' ']).next()?.rsplit("::").next()
}

#[test]
fn every_wrapper_of_the_sources_is_in_the_table() {
    let rows = wrappers();
    let mut table: BTreeSet<_> = rows.iter().map(|row| row.name.to_owned()).collect();
    table.extend(sinks().iter().filter(|row| row.name == "tee").map(|_| "Tee".to_owned()));
    table.extend(ELSEWHERE.map(|(name, _)| name.to_owned()));
    assert_eq!(table.len(), rows.len() + 1 + ELSEWHERE.len(), "a wrapper is in the table twice");
    let found = implemented();
    let missing: Vec<_> = found.difference(&table).collect();
    let unknown: Vec<_> = table.difference(&found).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not in the table: {missing:?}, not in the sources: {unknown:?}");
}

/// What stands between the braces of each implementation of `Filter` that says it is transparent, and whose it is.
fn transparent() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for text in texts() {
        for part in text.split("\nimpl").skip(1) {
            let body = part.split("\n}\n").next().unwrap_or_default();
            if body.contains("const TRANSPARENT: bool = true;") {
                found.push((body.lines().next().unwrap_or_default().to_owned(), body.to_owned()));
            }
        }
    }
    found
}

#[test]
fn a_transparent_filter_overrides_nothing_that_a_chain_leads_past_it() {
    let filters = transparent();
    assert!(filters.len() > 30, "the sources were not read");
    for (of, body) in filters {
        let methods = body.lines().filter_map(|line| line.strip_prefix("    fn ")?.split(['(', '<']).next());
        let others: Vec<_> = methods.filter(|name| !["on_next", "on_state", "describe"].contains(name)).collect();
        assert!(others.is_empty(), "impl{of}: nobody calls {others:?}");
    }
}

/// A filter that holds another one, and calls the method of each notice.
struct ByMethod<F>(F);

impl<T, F: Filter<T>> Filter<T> for ByMethod<F> {
    type Out = F::Out;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        self.0.on_next(event, out)
    }
    fn on_watermark(&mut self, time: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        self.0.on_watermark(time, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        self.0.on_flush(out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Closed {
        self.0.on_completed(out)
    }
}

#[test]
fn a_pipe_passes_every_notice_when_it_is_called_by_method() {
    let rows = [
        chain("a pipe", 1, |p| p.pipe(ByMethod(pipe().map(|x| x).chunks(3)))).collects(),
        chain("two filters", 1, |p| p.pipe(ByMethod(pipe().chunks(3).map(|x| x)))).collects(),
    ];
    assert_eq!(mistakes(&rows), "");
}

#[test]
fn a_group_hears_what_its_source_is_told() -> Result<(), FatalError> {
    type Groups = Port<(i32, Port<i32>)>;
    type Makes<'a> = &'a dyn Fn(&Port<i32>) -> Groups;
    let by_saved_key = |numbers: &Port<i32>| -> Groups {
        let group_by = thingflow_core::splitting::GroupBy::by_saved_key(|x: &i32| *x);
        let groups = group_by.groups().clone();
        numbers.connect(group_by);
        groups
    };
    let by_key = |numbers: &Port<i32>| -> Groups { numbers.group_by(|x| *x) };
    let makes: [(Makes<'_>, usize); 2] = [(&by_saved_key, 1), (&by_key, 0)];
    for (make, states) in makes {
        let (mut numbers, probe) = (Port::new(), Probe::default());
        let group = probe.clone();
        make(&numbers).connect(call(move |(_, port): (i32, Port<i32>)| drop(port.connect(group.clone()))));
        let cx = &mut Context::detached(Instant::ZERO);
        numbers.emit(1, cx)?;
        let time = Timestamp::from_secs(3);
        for notice in [Notice::Watermark(time), Notice::Flush, Notice::State(&mut Visit::default()), Notice::Completed]
        {
            numbers.notice(notice, cx)?;
        }
        let heard = ["Start", "next", "Watermark", "Flush", "Completed", "State"].map(|word| probe.count(word));
        assert_eq!(heard, [1, 1, 1, 1, 1, states], "what follows a key that is not saved is in no state");
    }
    Ok(())
}

#[test]
fn every_wrapper_passes_every_notice() {
    assert_eq!(mistakes(&wrappers()), "");
}

// Not in these tables: the borders of threads, which `borders.rs` has.
