//! Cases of sinks, and of Things of one's own.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

use thingflow_core::prelude::*;

fn emit<T: Clone + 'static>(port: &Port<T>, events: impl IntoIterator<Item = T>) {
    let cx = &mut Context::detached(Instant::ZERO);
    for event in events {
        assert_eq!(port.emit(event, cx).expect("no fatal error"), Demand::More);
    }
}

/// Where a `write_to` writes that is looked at afterwards.
#[derive(Clone, Default)]
struct File(Rc<RefCell<Vec<u8>>>);

impl std::io::Write for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl File {
    fn words(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn case_196_stream_to_file() {
    let (x, plain, doubled, sums) = (Port::new(), File::default(), File::default(), File::default());
    x.write_to(plain.clone());
    x.map(|v: i32| 2 * v).write_to(doubled.clone());
    x.scan(0, |s, v| s + v).write_to(sums.clone());
    emit(&x, 0..5);
    assert_eq!([plain.words(), doubled.words(), sums.words()], ["0 1 2 3 4", "0 2 4 6 8", "0 1 3 6 10"]);
}

#[test]
fn case_197_stream_to_queue() {
    let (x, (queue, taken)) = (Port::new(), mpsc::channel());
    let f = |s: &mut i32, v: i32| {
        let sent = 2 * v + 100 + *s;
        *s += v;
        sent
    };
    x.map_with(0, f).try_for_each(move |v| queue.send(v));
    emit(&x, [3, 23, 14]);
    assert_eq!(taken.try_iter().collect::<Vec<_>>(), [106, 149, 154]);
}

#[test]
fn case_198_stream_to_ring() {
    let (x, ring) = (Port::new(), Ring::new(10));
    x.connect(ring.clone());
    emit(&x, 0..5);
    assert_eq!(ring.take(), [0, 1, 2, 3, 4]);
    emit(&x, 5..10);
    assert_eq!(ring.all(), [5, 6, 7, 8, 9]);
    assert_eq!(ring.take(), [5, 6, 7, 8, 9]);
    emit(&x, 0..25);
    assert_eq!(ring.all(), Vec::from_iter(15..25));
}

/// A Thing of one's own with two outputs.
struct Multiples {
    first: Port<i32>,
    second: Port<i32>,
    make: fn(i32) -> (i32, i32),
}

impl Sink for Multiples {
    type Event = i32;
    fn on_next(&mut self, v: i32, cx: &mut Context<'_>) -> Receipt {
        let (first, second) = (self.make)(v);
        let _ = self.first.emit(first, cx)?;
        self.second.emit(second, cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.first.complete(cx)?;
        self.second.complete(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.first.fail(error.clone(), cx)?;
        self.second.fail(error, cx)
    }
}

#[test]
fn case_205_things_of_ones_own() {
    let x = Port::new();
    let makes: [fn(i32) -> (i32, i32); 2] = [|v| (2 * v, 3 * v), |v| (v + v, v * v)];
    let rings = makes.map(|make| {
        let (first, second) = (Port::new(), Port::new());
        let rings = [&first, &second].map(|port| {
            let ring = Ring::new(10);
            port.connect(ring.clone());
            ring
        });
        x.connect(Multiples { first, second, make });
        rings
    });
    emit(&x, 0..5);
    emit(&x, 5..10);
    let of = |f: fn(i32) -> i32| Vec::from_iter((0..10).map(f));
    assert_eq!(rings[0].each_ref().map(Ring::all), [of(|v| 2 * v), of(|v| 3 * v)]);
    assert_eq!(rings[1].each_ref().map(Ring::all), [of(|v| 2 * v), of(|v| v * v)]);
}

#[test]
fn case_206_full_steps_only() {
    let (x, sums) = (Port::new(), Ring::new(20));
    x.windows(5, 2).map(|window: Vec<i32>| window.iter().sum::<i32>()).connect(sums.clone());
    emit(&x, 0..10);
    assert_eq!(sums.take(), [10, 20, 30]);
    emit(&x, 10..20);
    assert_eq!(sums.take(), [40, 50, 60, 70, 80]);
}
