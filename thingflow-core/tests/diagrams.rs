//! Drawings of graphs, as pictures beside the calls.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod takes_all;
}

use thingflow_core::diagram::{Graph, NodeKind, Trace};
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};

use support::takes_all::{Quirk, TakesAll};

/// A sensor with two branches, one of which ends in a port with two sinks; two events have passed.
fn house() -> Graph {
    let mut lux = SensorOutput::new(ListSensor::new("lux", [20.0, 30.0]));
    lux.connect(Recorder::new());
    let average = Port::new().named("average");
    lux.map(|e| e.val).running_avg(5).connect(average.clone());
    average.connect(Recorder::new());
    let cx = &mut Context::detached(Instant::ZERO);
    for _ in 0..2 {
        assert!(OutputThing::produce(&mut lux, cx).is_ok());
    }
    average.map(|v| v > 25.0).connect(call(drop));
    Graph::of(&lux)
}

/// A port that feeds itself.
fn ring() -> Graph {
    let port = Port::<i32>::new().named("ring");
    port.map(|x| x + 1).connect(port.clone());
    let mut graph = Graph::new();
    graph.add_port(&port.as_ref());
    graph
}

#[test]
fn paths() {
    assert_eq!(
        house().to_string(),
        "lux -> recorder\n\
         lux -> map -> running_avg -> average -> recorder\n\
         lux -> map -> running_avg -> average -> map -> call\n"
    );
}

#[test]
fn connections_with_their_counts() {
    let expected = "\
lux (2 events)
  -> recorder (2)
  -> map -> running_avg -> average (2)
average (2 events)
  -> recorder (2)
  -> map -> call (0)
";
    assert_eq!(house().connections(), expected);
}

#[test]
fn dot() {
    let expected = "\
digraph thingflow {
  rankdir=LR;
  n0 [label=\"lux\", shape=ellipse];
  n1 [label=\"recorder\", shape=box3d];
  n2 [label=\"map\", shape=box];
  n3 [label=\"running_avg\", shape=box];
  n4 [label=\"average\", shape=circle];
  n5 [label=\"recorder\", shape=box3d];
  n6 [label=\"map\", shape=box];
  n7 [label=\"call\", shape=box3d];
  n0 -> n1 [label=2];
  n0 -> n2 [label=2];
  n2 -> n3;
  n4 -> n5 [label=2];
  n4 -> n6 [label=0];
  n6 -> n7;
  n3 -> n4;
}
";
    assert_eq!(house().dot(), expected);
}

#[test]
fn a_loop_alone_has_a_path_too() {
    assert_eq!(ring().paths(), ["ring -> map -> ring (again)"]);
}

#[test]
fn mermaid_of_a_loop() {
    let expected = "\
flowchart LR
  n0((\"ring\"))
  n1[\"map\"]
  n0 -->|0| n1
  n1 --> n0
";
    assert_eq!(ring().mermaid(), expected);
}

#[test]
fn svg_is_well_formed_and_holds_every_name() {
    for graph in [house(), ring()] {
        let svg = graph.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(graph.nodes.iter().all(|node| svg.contains(&node.name)));
    }
    // Its paper, and a box for all but the second filter of a chain.
    assert_eq!(house().svg().matches("<rect").count(), house().nodes.len());
    assert_eq!(house().svg().matches("marker-end").count(), house().edges.len() - 1);
    let long = Port::<i32>::new().named("temperature <of> the roof");
    let svg = drawn(&long).svg();
    assert!(svg.contains(">temperature &lt;of&gt; the roof</text>"), "{svg}");
}

#[test]
fn several_ports_of_one_thing() {
    let port = Port::<i32>::new().named("in");
    let routes = port.dispatch().rule("even", |x| x % 2 == 0).build();
    routes.port("even").unwrap().connect(Recorder::new());
    let mut graph = Graph::new();
    graph.add_port(&port.as_ref());
    assert_eq!(graph.paths(), ["in -> dispatch -> default", "in -> dispatch -> even -> recorder"]);
    assert_eq!(graph.nodes.iter().filter(|node| node.kind == NodeKind::Port).count(), 3);
}

#[test]
fn a_flow_without_ports() {
    let mut sum = 0;
    let flow = from_iter(1..=3).map(|x| x * 2).traced("doubled").connect(Recorder::new());
    let text = Graph::of(&flow).to_string();
    assert!(text.ends_with(" -> map -> traced -> recorder\n"), "{text}");
    pipe::<i32>().traced("x").to(call(|x| sum += x)).feed([1, 2]).unwrap();
    assert_eq!(sum, 3);
}

/// A chain with a side branch in its middle and two branches at its end, one of which ends in a port.
fn fork() -> (Port<i32>, Port<i32>) {
    let (port, deep) = (Port::<i32>::new().named("in"), Port::new().named("deep"));
    deep.connect(Recorder::new());
    let side = pipe().filter(|x| *x > 1).to(Recorder::new());
    let ends = tee((pipe().map(|x| x + 1).to(deep.clone()), tee((call(drop), Recorder::new()))));
    port.also_to(side).map(|x| x * 2).connect(ends);
    (port, deep)
}

fn drawn(port: &Port<i32>) -> Graph {
    let mut graph = Graph::new();
    graph.add_port(&port.as_ref());
    graph
}

#[test]
fn branches_of_a_chain_begin_where_they_leave_it() {
    let (port, _deep) = fork();
    port.emit(1, &mut Context::detached(Instant::ZERO)).unwrap();
    let graph = drawn(&port);
    let paths = [
        "in -> also_to -> filter -> recorder",
        "in -> also_to -> map -> tee -> map -> deep -> recorder",
        "in -> also_to -> map -> tee -> tee -> call",
        "in -> also_to -> map -> tee -> tee -> recorder",
    ];
    assert_eq!(graph.paths(), paths);
    let connections = "\
in (1 event)
  -> also_to -> filter -> recorder (1)
  -> also_to -> map -> tee -> map -> deep (1)
  -> also_to -> map -> tee -> tee -> call (1)
  -> also_to -> map -> tee -> tee -> recorder (1)
deep (1 event)
  -> recorder (1)
";
    assert_eq!(graph.connections(), connections);
}

#[test]
fn branches_in_mermaid_dot_and_svg() {
    let (port, _deep) = fork();
    let graph = drawn(&port);
    let expected = "\
flowchart LR
  n0((\"in\"))
  n1[\"also_to\"]
  n2[\"filter\"]
  n3[[\"recorder\"]]
  n4[\"map\"]
  n5[\"tee\"]
  n6[\"map\"]
  n7((\"deep\"))
  n8[[\"recorder\"]]
  n9[\"tee\"]
  n10[[\"call\"]]
  n11[[\"recorder\"]]
  n0 -->|0| n1
  n1 --> n2
  n2 --> n3
  n1 --> n4
  n4 --> n5
  n5 --> n6
  n7 -->|0| n8
  n6 --> n7
  n5 --> n9
  n9 --> n10
  n9 --> n11
";
    assert_eq!(graph.mermaid(), expected);
    let dot = graph.dot();
    assert!(dot.contains("  n1 -> n2;\n") && dot.contains("  n1 -> n4;\n") && dot.contains("  n5 -> n9;\n"), "{dot}");
}

#[test]
fn a_branch_that_has_ended_is_not_drawn() {
    let port = Port::<i32>::new().named("in");
    port.also_to(pipe().take(1).to(Recorder::new())).connect(tee((call(drop), pipe().take(1).to(Recorder::new()))));
    assert_eq!(drawn(&port).paths().len(), 3);
    port.emit(1, &mut Context::detached(Instant::ZERO)).unwrap();
    assert_eq!(drawn(&port).paths(), ["in -> also_to -> tee -> call"]);
}

#[test]
fn who_failed_is_named_by_where_the_branches_part() {
    let port = Port::<i32>::new().named("in");
    port.connect(tee((call(drop), try_call(|_| Err("the disk is full")))));
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.schedule_recurring(from_iter([1]).connect(port)).unwrap();
    assert_eq!(scheduler.run_forever().unwrap_err().to_string(), "tee: the disk is full");
}

/// Keeps what each test logs apart by its thread.
struct Log;

thread_local! {
    static LINES: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl log::Log for Log {
    fn enabled(&self, what: &log::Metadata<'_>) -> bool {
        what.target() == "thingflow::trace"
    }
    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
        }
    }
    fn flush(&self) {}
}

fn logged(run: impl FnOnce()) -> Vec<String> {
    let _ = log::set_logger(&Log); // set already: by another test
    log::set_max_level(log::LevelFilter::Debug);
    LINES.with_borrow_mut(Vec::clear);
    run();
    LINES.take()
}

#[test]
fn a_trace_logs_every_hop_behind_a_source() {
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let lux = SensorOutput::new(ListSensor::new("lux", [20, 30, 40])).named("lux");
    let doubled = lux.map(|e| e.val * 2).share().named("doubled");
    doubled.take(2).connect(Recorder::new());
    lux.connect(tee((
        call(drop),
        pipe()
            .try_map(|e: SensorEvent<i32>| if e.val < 40 { Ok(()) } else { Err("hot") })
            .to(Port::<()>::new().named("checked").keep_running()),
    )));
    let before = Graph::of(&lux);
    Trace::new().downstream(&lux);
    assert_eq!(Graph::of(&lux), before);
    scheduler.schedule_periodic(lux, std::time::Duration::from_secs(1)).unwrap();
    let lines = logged(|| scheduler.run_forever().unwrap());
    let expected = "\
lux -> map -> doubled: next lux 1970-01-01T00:00:01Z 20
doubled -> take -> recorder: next 40
lux -> tee: next lux 1970-01-01T00:00:01Z 20
";
    assert_eq!(lines[..3].join("\n") + "\n", expected);
    assert!(lines.iter().any(|line| line == "doubled -> take -> recorder: was answered Ok(Done)"), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "lux -> tee: completed"), "{lines:#?}");
}

#[test]
fn a_trace_shows_types_it_was_told_of_and_names_the_others() {
    #[derive(Clone, Debug)]
    struct Level(#[allow(dead_code)] u8);
    let port = Port::new().named("levels");
    port.connect(call(drop));
    Trace::new().show::<Level>().downstream_of(&port.as_ref());
    let other = Port::new().named("others");
    other.connect(call(drop));
    Trace::new().downstream_of(&other.as_ref());
    let lines = logged(|| {
        let cx = &mut Context::detached(Instant::ZERO);
        port.emit(Level(3), cx).unwrap();
        other.emit(Level(4), cx).unwrap();
        other.fail(StreamError::new("broken"), cx).unwrap();
    });
    let expected = ["levels -> call: next Level(3)", "others -> call: next Level", "others -> call: error: broken"];
    assert_eq!(lines, expected);
}

#[test]
fn a_scheduler_draws_all_that_is_scheduled_by_its_name() -> Result<(), Box<dyn std::error::Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let second = std::time::Duration::from_secs(1);
    scheduler.schedule_sensor(ListSensor::new("lux", [20, 30]), second, |lux| {
        lux.map(|e| e.val).for_each(drop);
    })?;
    scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1]), second)?.for_each(drop);
    let work = |_: thingflow_core::Remote<u8>, _| Ok::<(), &'static str>(());
    scheduler.schedule_on_private_event_loop("loop", Limit::default(), work)?.for_each(drop);
    let (remote, posted) = scheduler.remote::<u8>(Limit::default())?;
    posted.for_each(drop);
    let store = scheduler.edge_sink("store", call(|_: i32| {}), Limit::default())?;
    scheduler.schedule_periodic(from_iter(0..3).connect(store), second)?;
    assert_eq!(scheduler.active(), ["lux", "probe", "loop", "remote", "FromIter"]);
    let graph = scheduler.graph();
    assert_eq!(
        graph.paths(),
        ["lux -> map -> call", "probe -> call", "loop -> call", "remote -> call", "from_iter -> store"]
    );

    Trace::new().scheduled(&scheduler);
    drop(remote);
    let lines = logged(|| scheduler.run_forever().unwrap());
    assert!(lines.contains(&"lux -> map -> call: next lux 1970-01-01T00:00:01Z 20".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"probe -> call: next probe 1970-01-01T00:00:01Z 1".to_owned()), "{lines:#?}");
    Ok(())
}

#[test]
fn what_is_behind_the_branches_of_a_chain_is_closed_with_the_rest() -> Result<(), Box<dyn std::error::Error>> {
    /// Notes when it is dropped.
    struct Closing(&'static str, std::rc::Rc<std::cell::RefCell<Vec<&'static str>>>);
    impl Quirk for Closing {
        type Event = i32;
        fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
            cx.stop();
            Ok(Demand::More)
        }
    }
    impl Drop for Closing {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }

    let mut scheduler = Scheduler::virtual_time()?;
    let closed = std::rc::Rc::default();
    let (side, end) = (Port::new(), Port::new());
    let source = from_iter(1..).output();
    source.also_to(side.clone()).connect(tee((end.clone(), call(drop))));
    side.connect(TakesAll(Closing("side", std::rc::Rc::clone(&closed))));
    end.connect(TakesAll(Closing("end", std::rc::Rc::clone(&closed))));
    source.connect(TakesAll(Closing("source", std::rc::Rc::clone(&closed))));
    scheduler.schedule_periodic(source, std::time::Duration::from_secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(*closed.borrow(), ["source", "end", "side"], "although the ports are held");
    Ok(())
}
