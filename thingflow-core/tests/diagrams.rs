//! Drawings of graphs, as pictures beside the calls.
#![cfg(feature = "alloc")]

use thingflow_core::diagram::{Graph, NodeKind};
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};

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
        "lux -> Recorder\n\
         lux -> Map -> RunningAvg -> average -> Recorder\n\
         lux -> Map -> RunningAvg -> average -> Map -> Call\n"
    );
}

#[test]
fn connections_with_their_counts() {
    let expected = "\
lux (2 events)
  -> Recorder (2)
  -> Map -> RunningAvg -> average (2)
average (2 events)
  -> Recorder (2)
  -> Map -> Call (0)
";
    assert_eq!(house().connections(), expected);
}

#[test]
fn dot() {
    let expected = "\
digraph thingflow {
  rankdir=LR;
  n0 [label=\"lux\", shape=ellipse];
  n1 [label=\"Recorder\", shape=box3d];
  n2 [label=\"Map\", shape=box];
  n3 [label=\"RunningAvg\", shape=box];
  n4 [label=\"average\", shape=circle];
  n5 [label=\"Recorder\", shape=box3d];
  n6 [label=\"Map\", shape=box];
  n7 [label=\"Call\", shape=box3d];
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
    assert_eq!(ring().paths(), ["ring -> Map -> ring (again)"]);
}

#[test]
fn mermaid_of_a_loop() {
    let expected = "\
flowchart LR
  n0((\"ring\"))
  n1[\"Map\"]
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
        assert_eq!(svg.matches("<rect").count(), graph.nodes.len());
        assert_eq!(svg.matches("marker-end").count(), graph.edges.len());
        assert!(graph.nodes.iter().all(|node| svg.contains(&node.name)));
    }
    assert!(house().svg().contains("<path d=\"M130 28L180 28\""));
}

#[test]
fn several_ports_of_one_thing() {
    let port = Port::<i32>::new().named("in");
    let routes = port.dispatch().rule("even", |x| x % 2 == 0).build();
    routes.port("even").unwrap().connect(Recorder::new());
    let mut graph = Graph::new();
    graph.add_port(&port.as_ref());
    assert_eq!(graph.paths(), ["in -> dispatch -> default", "in -> dispatch -> even -> Recorder"]);
    assert_eq!(graph.nodes.iter().filter(|node| node.kind == NodeKind::Port).count(), 3);
}

#[test]
fn a_flow_without_ports() {
    let mut sum = 0;
    let flow = from_iter(1..=3).map(|x| x * 2).traced("doubled").connect(Recorder::new());
    let text = Graph::of(&flow).to_string();
    assert!(text.ends_with(" -> Map -> Traced -> Recorder\n"), "{text}");
    pipe::<i32>().traced("x").to(call(|x| sum += x)).feed([1, 2]).unwrap();
    assert_eq!(sum, 3);
}
