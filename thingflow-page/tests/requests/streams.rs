//! What a tab hears, the past, sliders and buttons.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use thingflow_core::history::Kept;
use thingflow_core::prelude::*;
use thingflow_core::{DeliveryMeter, DeliveryStats};
use thingflow_page::{Options, Slider};

use super::{Done, TOKEN, answer, get, status, with_page};

/// Reads a stream until a text has come.
pub(crate) fn get_stream(address: SocketAddr, path: &str, until: &str) -> io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
    let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&heard).into_owned();
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        if whole.contains(until) {
            return Ok(text);
        }
        match socket.read(&mut piece)? {
            0 => return Ok(text),
            n => heard.extend(&piece[..n]),
        }
    }
}

#[test]
fn s08_s10_a_tab_hears_snapshots_and_the_events_of_what_it_plots() -> Done {
    let heard = with_page(
        |options| options,
        |address| {
            let first = get_stream(address, "/api/stream", "event: snapshot")?;
            let place = first.split("\"name\":\"values\"").next().and_then(|before| before.rsplit("\"id\":\"").next());
            let id = place.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
            get(address, &format!("/api/stream?tap={id}&tap=no")).and_then(|refused| {
                assert_eq!(status(&refused), 400);
                get_stream(address, &format!("/api/stream?tap={id}"), "event: seen")
            })
        },
    )?;
    assert!(heard.contains("\"text\":\"21.5\""), "{heard}");
    Ok(())
}

#[test]
fn s08_s09_seven_tabs_work_and_there_is_a_limit() -> Done {
    with_page(
        |options| options,
        |address| {
            let open = || {
                let mut socket = TcpStream::connect(address)?;
                write!(socket, "GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
                let mut start = [0; 12];
                socket.read_exact(&mut start)?;
                io::Result::Ok((socket, String::from_utf8_lossy(&start).into_owned()))
            };
            let tabs = (0..16).map(|_| open()).collect::<io::Result<Vec<_>>>()?;
            assert!(tabs.iter().all(|(_, start)| start == "HTTP/1.1 200"));
            assert_eq!(open()?.1, "HTTP/1.1 503");
            Ok(())
        },
    )
}

#[test]
fn the_past_of_a_place_is_read_in_short_spans_and_what_cannot_be_read_is_said() -> Done {
    let kept = |span: std::ops::Range<Timestamp>| Kept { number: 1, time: span.start, event: 0.5 };
    let [whole, unknown, broken, hostile] = with_page(
        move |options| {
            let options = options.past("short", move |span| Ok(vec![kept(span)]));
            options.past::<f64>("broken", |_| Err("the disk is gone".into()))
        },
        |address| {
            let ask =
                |place: &str, from: &str| get(address, &format!("/api/past?place={place}&from={from}&until=2000"));
            Ok([
                ask("short", "1000")?,
                ask("values", "1000")?,
                ask("broken", "0")?,
                ask("short", "-9223372036854775808")?,
            ])
        },
    )?;
    assert!(whole.matches("0.5").count() >= 256 && whole.contains("\"times\":[1000.0,1003.9"), "{whole}");
    assert!(status(&unknown) == 404 && unknown.contains("Options::past"), "{unknown}");
    assert!(status(&broken) == 500 && broken.contains("the disk is gone"), "{broken}");
    assert_eq!(status(&hostile), 200);
    Ok(())
}

#[test]
fn s03_sliders_and_buttons_do_what_they_may_and_outputs_are_counted() -> Done {
    let (level, presses) = (Slider::new("level", -1.0..=1.0, 0.5), Arc::new(AtomicU64::new(0)));
    let (moved, pressed) = (level.clone(), presses.clone());
    let offer = move |options: Options| {
        let mut stats = DeliveryStats::default();
        (stats.posted, stats.delivered, stats.waiting) = (3, 1, 2);
        let press = move || assert!(pressed.fetch_add(1, Relaxed) == 0, "a button of bad manners");
        let options = options.slider(&moved).button("a & b", press).output("cloud", DeliveryMeter::new(move || stats));
        options.output("broken", DeliveryMeter::new(|| panic!("no counts")))
    };
    let (metrics, codes) = with_page(offer, |address| {
        let origin = format!("Origin: http://{address}");
        let post = |path: &str, lines: &[&str]| {
            let start = format!("POST /api/{path} HTTP/1.1");
            answer(address, &[&[&*start, "Host: localhost", "Content-Length: 0"], lines].concat())
                .map(|text| status(&text))
        };
        let token = format!("Authorization: Bearer {TOKEN}");
        let both = [&*token, &*origin];
        let mut codes = Vec::new();
        for value in ["-1", "0.25", "1.1", "NaN", "inf", "x", ""] {
            codes.push(post(&format!("set?name=level&value={value}"), &both)?);
        }
        codes.push(post("set?name=level", &both)?);
        codes.extend([post("set?name=other&value=0", &both)?, post("set?name=level&value=1", &[&origin])?]);
        codes.extend([post("press?name=a%20%26%20b", &[&token])?, post("press?name=other", &both)?]);
        codes.extend([post("press?name=a%20%26%20b", &both)?, post("press?name=a%20%26%20b", &both)?]);
        Ok((get(address, "/metrics")?, codes))
    })?;
    assert_eq!(codes, [204, 204, 400, 400, 400, 400, 400, 400, 404, 401, 403, 404, 204, 500]);
    assert_eq!((level.value(), presses.load(Relaxed)), (0.25, 2));
    for line in [
        "output_taken_total{output=\"cloud\"} 3",
        "output_delivered_total{output=\"cloud\"} 1",
        "output_waiting{output=\"cloud\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    Ok(())
}

#[test]
fn while_the_past_is_read_slowly_and_buttons_take_long_it_is_healthy() -> Done {
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let wait = Arc::new(move || {
        let _ = waits.lock().map(|waits| waits.recv());
    });
    let press = wait.clone();
    let offer = move |options: Options| {
        let past = move |_| {
            wait();
            Ok(Vec::<Kept<f64>>::new())
        };
        options.past("slow", past).button("slow", move || press())
    };
    with_page(offer, move |address| {
        let token = format!("Authorization: Bearer {TOKEN}");
        let slow = |line: &str| {
            let mut socket = TcpStream::connect(address)?;
            write!(
                socket,
                "{line} HTTP/1.1\r\nHost: localhost\r\n{token}\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n\r\n"
            )?;
            io::Result::Ok(socket)
        };
        let asked =
            (0..8).map(|n| slow(["GET /api/past?place=slow&from=0&until=9", "POST /api/press?name=slow"][n % 2]));
        let asked = asked.collect::<io::Result<Vec<_>>>()?;
        for _ in 0..10 {
            assert_eq!(status(&answer(address, &["GET /health HTTP/1.1", "Host: localhost"])?), 200);
        }
        drop((go_on, asked));
        Ok(())
    })
}

#[test]
fn what_is_read_for_tabs_that_are_closed_still_counts_until_it_is_read() -> Done {
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = std::sync::mpsc::channel();
    let waits = std::sync::Mutex::new(waits);
    let offer = move |options: Options| {
        options.past("slow", move |_| {
            let _ = begin.send(());
            let _ = waits.lock().map(|waits| waits.recv());
            Ok(Vec::<Kept<f64>>::new())
        })
    };
    with_page(offer, move |address| {
        let past = "/api/past?place=slow&from=0&until=9";
        let ask = || {
            let mut socket = TcpStream::connect(address)?;
            write!(socket, "GET {past} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
            io::Result::Ok(socket)
        };
        let healthy = || {
            // Each time around the page learns who has hung up.
            (0..10).try_for_each(|_| get(address, "/health").map(|answer| assert_eq!(status(&answer), 200)))
        };
        let closed = [ask()?, ask()?];
        begun.iter().take(2).for_each(drop);
        drop(closed);
        healthy()?;
        let next = ask()?;
        healthy()?;
        assert!(begun.try_recv().is_err(), "those of the closed tabs still have the threads");
        drop(go_on);
        begun.iter().take(1).for_each(drop); // a permit goes with each that is done
        drop(next);
        assert_eq!(status(&get(address, past)?), 200);
        Ok(())
    })
}
