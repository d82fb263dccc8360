//! The geometry of the SVG drawing, and names that would break a drawing.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::panic)] // of what the test itself has made

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::diagram::Graph;
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};

type Point = (f64, f64);

/// Left, top, right, bottom.
type Area = (f64, f64, f64, f64);

/// What can be measured of an SVG drawing.
struct Drawing {
    boxes: Vec<Area>,
    texts: Vec<(Area, String)>,
    counts: Vec<Area>,
    lines: Vec<Vec<Point>>,
    size: Point,
}

fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let start = tag.find(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name} in {tag}")) + name.len() + 3;
    tag[start..].split('"').next().unwrap()
}

fn number(tag: &str, name: &str) -> f64 {
    attribute(tag, name).parse().unwrap()
}

/// The points of a path, with curves followed.
fn points(path: &str) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let end = rest[1..].find(['M', 'L', 'C']).map_or(rest.len(), |at| at + 1);
        let numbers: Vec<f64> = rest[1..end].split(' ').map(|n| n.parse().unwrap()).collect();
        if let [x1, y1, x2, y2, x3, y3] = numbers[..] {
            let (x0, y0) = *points.last().unwrap();
            points.extend((1..=16).map(|step| {
                let t = f64::from(step) / 16.0;
                let at = |a: f64, b: f64, c: f64, d: f64| {
                    let u = 1.0 - t;
                    a * u * u * u + 3.0 * b * u * u * t + 3.0 * c * u * t * t + d * t * t * t
                };
                (at(x0, x1, x2, x3), at(y0, y1, y2, y3))
            }));
        } else {
            points.push((numbers[0], numbers[1]));
        }
        rest = &rest[end..];
    }
    points
}

fn measure(svg: &str) -> Drawing {
    let mut drawing = Drawing { boxes: vec![], texts: vec![], counts: vec![], lines: vec![], size: (0.0, 0.0) };
    for line in svg.lines() {
        if line.starts_with("<svg") {
            drawing.size = (number(line, "width"), number(line, "height"));
        } else if line.starts_with("<rect") && !line.contains("\"paper\"") {
            let (x, y) = (number(line, "x"), number(line, "y"));
            drawing.boxes.push((x, y, x + number(line, "width"), y + number(line, "height")));
        } else if line.starts_with("<path class=\"line") {
            drawing.lines.push(points(attribute(line, "d")));
        } else if line.starts_with("<text") {
            let text = line.split_once('>').unwrap().1.trim_end_matches("</text>");
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            // 12 pixels of the widest common monospaced font: 0.61 of the size in breadth.
            let half = text.chars().count() as f64 * 12.0 * 0.61 / 2.0;
            let (x, y) = (number(line, "x"), number(line, "y"));
            let area = (x - half, y - 10.0, x + half, y + 3.0);
            if line.contains("\"count\"") { drawing.counts.push(area) } else { drawing.texts.push((area, text)) }
        }
    }
    drawing
}

fn side(a: Point, b: Point, p: Point) -> f64 {
    (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)
}

/// Whether two pieces cross in their insides.
fn cross(a: &[Point], b: &[Point]) -> bool {
    let apart = |p: f64, q: f64| (p > 0.01 && q < -0.01) || (p < -0.01 && q > 0.01);
    apart(side(a[0], a[1], b[0]), side(a[0], a[1], b[1])) && apart(side(b[0], b[1], a[0]), side(b[0], b[1], a[1]))
}

fn crossings(drawing: &Drawing) -> usize {
    let pieces = |line: &Vec<Point>| line.windows(2).map(<[Point]>::to_vec).collect::<Vec<_>>();
    let mut n = 0;
    for (at, one) in drawing.lines.iter().enumerate() {
        for other in &drawing.lines[..at] {
            n += usize::from(pieces(one).iter().any(|a| pieces(other).iter().any(|b| cross(a, b))));
        }
    }
    n
}

fn overlap(a: Area, b: Area) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// Whether a line passes through the inside of an area.
fn passes(line: &[Point], area: Area) -> bool {
    line.windows(2).any(|piece| {
        (0..=20).any(|step| {
            let t = f64::from(step) / 20.0;
            let (x, y) = (piece[0].0 + (piece[1].0 - piece[0].0) * t, piece[0].1 + (piece[1].1 - piece[0].1) * t);
            x > area.0 + 0.2 && x < area.2 - 0.2 && y > area.1 + 0.2 && y < area.3 - 0.2
        })
    })
}

/// What holds for every drawing.
fn is_tidy(svg: &str) -> Result<Drawing, String> {
    let drawing = measure(svg);
    for (text, name) in &drawing.texts {
        let holds = |area: &&Area| area.0 <= text.0 && text.2 <= area.2 && area.1 <= text.1 && text.3 <= area.3;
        drawing.boxes.iter().find(holds).ok_or(format!("{name} is wider than its box"))?;
    }
    for (at, area) in drawing.boxes.iter().enumerate() {
        if drawing.boxes[..at].iter().any(|other| overlap(*area, *other)) {
            return Err(format!("boxes lie on each other at {area:?}"));
        }
        if drawing.lines.iter().any(|line| passes(line, *area)) {
            return Err(format!("a line passes through the box at {area:?}"));
        }
        if area.0 < 0.0 || area.1 < 0.0 || area.2 > drawing.size.0 || area.3 > drawing.size.1 {
            return Err(format!("a box outside of the picture at {area:?}"));
        }
    }
    for (at, area) in drawing.counts.iter().enumerate() {
        if drawing.lines.iter().any(|line| passes(line, *area)) {
            return Err(format!("a number lies on a line at {area:?}"));
        }
        if drawing.boxes.iter().chain(&drawing.counts[..at]).any(|other| overlap(*area, *other)) {
            return Err(format!("a number lies on something at {area:?}"));
        }
    }
    Ok(drawing)
}

fn graph_of(port: &Port<i32>) -> Graph {
    let mut graph = Graph::new();
    graph.add_port(&port.as_ref());
    graph
}

/// Three sensors, each with two branches; two of them meet in a join.
fn sensors() -> Graph {
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let sensor = |name: &'static str| SensorOutput::new(ListSensor::new(name, vec![1; 100])).named(name);
    let all = [sensor("lux"), sensor("a temperature under the roof"), sensor("humidity")];
    let warmer = all[1].map(|e| f64::from(e.val)).running_avg(3).share().named("warmer");
    for output in &all {
        output.for_each(drop);
        output.map(|e| e.val).filter(|x| *x > 0).map(|x| x + 1).for_each(drop);
    }
    warmer.zip(&all[2].map(|e| f64::from(e.val)).share(), Limit::default()).for_each(drop);
    for output in all {
        scheduler.schedule_periodic(output, Duration::from_secs(1)).unwrap();
    }
    scheduler.run_for(Duration::from_secs(60)).unwrap();
    scheduler.graph()
}

#[test]
fn f87_no_lines_cross_where_none_need_to() {
    for graph in [sensors(), looped(), graph_of(&Port::new())] {
        let svg = graph.svg();
        let drawing = is_tidy(&svg).unwrap_or_else(|why| panic!("{why}\n{svg}"));
        assert_eq!(crossings(&drawing), 0, "{svg}");
    }
}

/// A port that feeds itself directly, by a chain and in a later turn, with a branch.
fn looped() -> Graph {
    let port = Port::<i32>::new().named("ring");
    port.map(|x| x + 1).filter(|x| *x > 3).connect(port.clone());
    port.connect(Recorder::new());
    port.map(|x| x + 1).connect(tee((call(drop), Recorder::new())));
    graph_of(&port)
}

#[test]
fn f87_filters_that_follow_each_other_are_one_box() {
    let port = Port::<i32>::new().named("in");
    port.map(|x| f64::from(x + 1)).filter(|x| *x > 3.0).running_avg(3).connect(call(drop));
    let drawing = is_tidy(&graph_of(&port).svg()).unwrap();
    assert_eq!((drawing.boxes.len(), drawing.lines.len()), (3, 2));
    let texts: Vec<&str> = drawing.texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["in", "map", "filter", "running_avg", "call"]);
}

#[test]
fn f87_a_given_name_stands_first_and_has_no_box() {
    let port = Port::<i32>::new().named("in");
    port.map(|x| x + 1).filter(|x| *x > 3).named("Warm enough").map(|x| x).connect(call(drop));
    port.connect(pipe().named("Alarm").to(call(drop)));
    let graph = graph_of(&port);
    assert_eq!(graph.paths(), ["in -> map -> Warm enough -> map -> call", "in -> Alarm"]);
    let drawing = is_tidy(&graph.svg()).unwrap();
    assert_eq!(drawing.boxes.len(), 5);
    let texts: Vec<&str> = drawing.texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["in", "Warm enough", "map", "filter", "map", "call", "Alarm", "call"]);
}

#[test]
fn f87_the_rows_of_a_sensor_stay_together() {
    let scheduler = Scheduler::virtual_time().unwrap();
    for name in ["one", "two", "three"] {
        let output = SensorOutput::new(ListSensor::new(name, [1])).named(name);
        output.connect(call(drop));
        output.map(|e| e.val).connect(call(drop));
        scheduler.schedule_periodic(output, Duration::from_secs(1)).unwrap();
    }
    let drawing = is_tidy(&scheduler.graph().svg()).unwrap();
    let mut rows: Vec<Area> = drawing.boxes.clone();
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    // The nodes are met sensor by sensor, four each: so do they stand from the top down.
    let bottom = |n: usize| drawing.boxes[4 * n..4 * n + 4].iter().map(|area| area.3).fold(0.0, f64::max);
    let top = |n: usize| drawing.boxes[4 * n..4 * n + 4].iter().map(|area| area.1).fold(f64::MAX, f64::min);
    assert!(bottom(0) < top(1) && bottom(1) < top(2));
}

#[test]
fn f87_reads_on_light_and_dark() {
    let svg = looped().svg();
    assert!(svg.contains("prefers-color-scheme:dark") && svg.contains("class=\"paper\" width=\"100%\""));
    assert!(!svg.contains("stroke=\"black\""));
}

fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "\"",
            "\\",
            "<",
            ">",
            "&",
            "\n",
            "\r",
            "\t",
            "\u{1b}[31m",
            "\0",
            "\u{85}",
            "\u{9b}",
            "\u{202e}",
            "\u{2028}",
            "\u{ffff}",
            "]]>",
            "-->",
            "%%{init}%%",
            "#quot;",
            "`",
            "\\N",
            "</text>",
            "&amp;",
            "|",
            "end",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn has_control(text: &str) -> bool {
    text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{ffff}')
}

proptest! {
    #[test]
    fn f93_hostile_names_stay_in_their_places(name in hostile()) {
        let port = Port::<i32>::new().named(name.clone());
        let end = Port::<i32>::new().named(name.clone());
        port.map(|x| x + 1).connect(end.clone());
        let graph = graph_of(&port);
        let (dot, mermaid, svg) = (graph.dot(), graph.mermaid(), graph.svg());
        for text in [&dot, &mermaid, &svg, &graph.to_string(), &graph.connections()] {
            prop_assert!(!has_control(text), "{text:?}");
        }
        prop_assert_eq!(dot.lines().count(), 2 + 3 + 2 + 1);
        prop_assert_eq!(mermaid.lines().count(), 1 + 3 + 2);
        prop_assert_eq!(graph.to_string().lines().count(), 1);
        for line in dot.lines().filter(|line| line.contains("label=\"")) {
            let label = line.split_once("label=\"").unwrap().1.rsplit_once("\", shape=").unwrap().0;
            prop_assert!(!label.replace("\\\\", "").contains(['"', '\\', '<', '>']), "{label:?}");
        }
        for line in mermaid.lines().filter(|line| line.contains("((")) {
            let label = line.split_once("((\"").unwrap().1.rsplit_once("\"))").unwrap().0;
            prop_assert!(!label.contains(['"', '<', '>', '&', '`', '%', '\\', '|']), "{label:?}");
        }
        for line in svg.lines().filter(|line| line.starts_with("<text")) {
            let text = line.split_once('>').unwrap().1.strip_suffix("</text>").unwrap();
            prop_assert!(!text.contains(['<', '>', '"']), "{text:?}");
            let is_entity = |rest: &str| ["lt;", "gt;", "amp;", "quot;"].iter().any(|entity| rest.starts_with(entity));
            prop_assert!(text.split('&').skip(1).all(is_entity), "{text:?}");
        }
        prop_assert!(is_tidy(&svg).is_ok(), "{:?}", is_tidy(&svg).err());
    }

    /// Trees need no crossings; whatever else is connected, nothing lies on anything.
    #[test]
    fn f87_random_graphs_are_tidy_and_trees_do_not_cross(
        ways in prop::collection::vec((0..12_usize, 0..12_usize, 0..4_usize), 1..16), tree in any::<bool>()
    ) {
        let ports: Vec<Port<i32>> = (0..12).map(|n| Port::new().named(format!("port {}", "x".repeat(n)))).collect();
        let mut fed = [false; 12];
        for (from, to, filters) in ways {
            let (from, to) = if tree { (from.min(to), from.max(to)) } else { (from, to) };
            if tree && (from == to || std::mem::replace(&mut fed[to], true)) {
                continue;
            }
            let end = ports[to].clone();
            let _ = match filters {
                0 => ports[from].connect(end),
                1 => ports[from].map(|x| x).connect(end),
                2 => ports[from].map(|x| x).filter(|_| true).connect(end),
                _ => ports[from].connect(tee((call(drop), pipe().map(|x| x).to(end)))),
            };
        }
        let mut graph = Graph::new();
        ports.iter().for_each(|port| graph.add_port(&port.as_ref()));
        let svg = graph.svg();
        let drawing = is_tidy(&svg).map_err(|why| TestCaseError::fail(format!("{why}\n{svg}")))?;
        prop_assert!(!tree || crossings(&drawing) == 0, "{svg}");
    }
}

#[test]
fn f87_a_pool_is_one_box() -> Result<(), Box<dyn std::error::Error>> {
    for before in [false, true] {
        let scheduler = Scheduler::virtual_time()?;
        let jobs = Port::new().named("jobs");
        if before {
            scheduler.schedule_recurring(from_iter(1..=5).connect(jobs.clone()))?;
        }
        let (pool, squares) = scheduler.map_on_pool(2, |x: u64| x * x)?;
        jobs.connect(pool);
        squares.connect(call(drop));
        if !before {
            scheduler.schedule_recurring(from_iter(1..=5).connect(jobs))?;
        }
        let graph = scheduler.graph();
        assert_eq!(graph.paths(), ["from_iter -> jobs -> map_on_pool -> call"], "{before}");
        assert_eq!(is_tidy(&graph.svg())?.boxes.len(), 4);
    }
    Ok(())
}
