//! What the page answers to browsers, to Prometheus, and to those who mean no good.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use thingflow_core::history::Kept;
use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor};
use thingflow_core::{Batch, Delivery, DeliveryMeter, DeliveryStats, OnFailure, Refusal};
use thingflow_page::{Options, Page, Slider, Token};

type Done = Result<(), Box<dyn std::error::Error>>;

const TOKEN: &str = "correct-horse-battery-staple";

/// A flow that runs until the client has done its work.
fn with_page<T: Send + 'static>(
    options: impl FnOnce(Options) -> Options,
    work: impl FnOnce(SocketAddr) -> io::Result<T> + Send + 'static,
) -> Result<T, Box<dyn std::error::Error>> {
    let mut scheduler = Scheduler::new()?;
    let millis = Duration::from_millis(1);
    scheduler.schedule_sensor(
        ListSensor::new("<img src=x onerror=alert(1)>", vec![21.5; 1_000_000]),
        millis,
        |lux| {
            let lux = lux.map(|event| event.val).probe("values");
            lux.buffer(Limit::drop_oldest(8)).running_avg(5).for_each(drop);
        },
    )?;
    let page = options(Options::new("127.0.0.1:0").token(Token::new(TOKEN)?)).serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let client = thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| work(address)));
        stopper.stop(); // a test that fails ends too
        result.unwrap_or_else(|panic| resume_unwind(panic))
    });
    scheduler.run_forever()?;
    Ok(client.join().map_err(|_| "the client has panicked")??)
}

/// The whole answer to a request, whose lines are given without their ends.
fn answer(address: SocketAddr, lines: &[&str]) -> io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    let mut request = lines.join("\r\n");
    request.push_str("\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    answer(address, &[&format!("GET {path} HTTP/1.1"), "Host: localhost", &format!("Authorization: Bearer {TOKEN}")])
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

#[test]
fn s01_s02_a_foreign_host_gets_nothing() -> Done {
    with_page(
        |options| options.allow_host("Board.local").allow_host("192.168.1.4").allow_host("fd00::5"),
        |address| {
            let by = |host: &str| {
                answer(address, &["GET / HTTP/1.1", &format!("Host: {host}")]).map(|answer| status(&answer))
            };
            let port = address.port();
            for host in
                ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "board.local", "192.168.1.4", "[fd00:0::5]"]
            {
                assert_eq!(by(&format!("{host}:{port}"))?, 200, "{host}");
            }
            for host in ["attacker.example", "127.attacker.example", "localhost.evil", "192.168.0.1"] {
                assert_eq!(by(&format!("{host}:{port}"))?, 421, "{host}");
            }
            assert_eq!(status(&answer(address, &["GET / HTTP/1.1", "Host: localhost", "Host: evil"])?), 421);
            assert!([400, 421].contains(&status(&answer(address, &["GET / HTTP/1.1"])?)), "no host");
            for (whole, code) in [("evil.example", 421), ("localhost@evil.example", 421), ("localhost", 200)] {
                let line = format!("GET http://{whole}/ HTTP/1.1");
                assert_eq!(status(&answer(address, &[&line, "Host: localhost"])?), code, "{whole}");
            }
            Ok(())
        },
    )
}

#[test]
fn s03_nothing_is_changed_by_get_or_without_token_and_origin() -> Done {
    with_page(Options::allow_control, |address| {
        let token = format!("Authorization: Bearer {TOKEN}");
        let origin = format!("Origin: http://localhost:{}", address.port());
        let post = |lines: &[&str]| {
            let start = ["POST /api/pause?id=s0-0 HTTP/1.1", "Host: localhost", "Content-Length: 0"];
            answer(address, &[&start, lines].concat()).map(|answer| status(&answer))
        };
        assert_eq!(post(&[&token])?, 403, "no origin");
        assert_eq!(post(&[&token, "Origin: null"])?, 403);
        assert_eq!(post(&[&token, "Origin: http://evil.example"])?, 403);
        assert_eq!(post(&[&origin])?, 401, "no token");
        assert!([400, 404].contains(&post(&[&token, &origin])?), "all is well but the id");
        assert_eq!(status(&get(address, "/api/pause?id=s0-0")?), 405);
        let preflight =
            answer(address, &["OPTIONS /api/pause HTTP/1.1", "Host: localhost", "Origin: http://evil.example"])?;
        assert!(!preflight.to_ascii_lowercase().contains("access-control"), "{preflight}");
        Ok(())
    })
}

#[test]
fn what_a_page_may_not_do_it_refuses_and_what_it_may_it_does() -> Done {
    let pause = |address: SocketAddr| -> io::Result<u16> {
        let stream = get_stream(address, "/api/stream", "event: snapshot")?;
        let id = stream
            .split("\"schedules\":[{\"id\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default();
        let line = format!("POST /api/pause?id={id} HTTP/1.1");
        let (token, origin) = (format!("Authorization: Bearer {TOKEN}"), format!("Origin: http://{address}"));
        answer(address, &[&line, "Host: localhost", "Content-Length: 0", &token, &origin]).map(|answer| status(&answer))
    };
    assert_eq!(with_page(|options| options, pause)?, 403);
    let state = with_page(Options::allow_control, move |address| {
        assert_eq!(pause(address)?, 204);
        get_stream(address, "/api/stream", "\"state\":\"paused\"")
    })?;
    assert!(state.contains("\"state\":\"paused\""), "{state}");
    Ok(())
}

#[test]
fn s04_a_wrong_token_gets_nothing() -> Done {
    with_page(
        |options| options,
        |address| {
            let by = |token: &str| {
                let lines = ["GET /api/about HTTP/1.1", "Host: localhost", &format!("Authorization: {token}")];
                answer(address, &lines).map(|answer| status(&answer))
            };
            assert_eq!(by(&format!("Bearer {TOKEN}"))?, 200);
            let long = format!("Bearer {}", "x".repeat(10_000));
            let others = ["", "Bearer ", "Bearer correct-horse-battery-stapl", "Basic Y29ycmVjdA==", &long];
            others.iter().try_for_each(|token| by(token).map(|status| assert_eq!(status, 401, "{token:.60}")))?;
            assert_eq!(
                status(&answer(address, &[&format!("GET /api/about?token={TOKEN} HTTP/1.1"), "Host: localhost"])?),
                401
            );
            assert_eq!(status(&answer(address, &["GET /metrics HTTP/1.1", "Host: localhost"])?), 401);
            Ok(())
        },
    )
}

#[test]
fn s05_requests_that_are_too_large_or_no_requests_are_refused_and_others_are_answered() -> Done {
    with_page(
        |options| options,
        |address| {
            let large = format!("X: {}", "x".repeat(60_000));
            let code = status(&answer(address, &["GET / HTTP/1.1", "Host: localhost", &large]).unwrap_or_default());
            assert!([0, 400, 431].contains(&code), "{code}");
            for garbage in [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc".as_slice(),
                b"GET\r\n\r\n",
                b"\0\0\0\0\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\n",
            ] {
                let mut socket = TcpStream::connect(address)?;
                socket.write_all(garbage)?;
                socket.shutdown(std::net::Shutdown::Write)?;
                let mut heard = Vec::new();
                let _ = socket.read_to_end(&mut heard);
                assert!(!heard.starts_with(b"HTTP/1.1 200"), "{garbage:?}");
            }
            let huge = ["POST /api/end?id=1 HTTP/1.1", "Host: localhost", "Content-Length: 18446744073709551616"];
            assert_ne!(status(&answer(address, &huge).unwrap_or_default()), 200);
            assert_eq!(status(&get(address, "/health")?), 200);
            Ok(())
        },
    )
}

#[test]
fn s05_connections_that_never_ask_keep_nobody_out() -> Done {
    let (answers, tab) = with_page(
        |options| options,
        |address| {
            let mut tab = TcpStream::connect(address)?;
            write!(tab, "GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
            // One says nothing, the next something all the time, another has been answered and stays.
            let open = |n: usize| {
                let mut socket = TcpStream::connect(address)?;
                let words = ["", "GET /health HTTP/1.1\r\nX: ", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"];
                socket.write_all(words[n % 3].as_bytes()).map(|()| socket)
            };
            let mut crowd = Vec::new();
            let mut answers = Vec::new();
            for n in 0..150 {
                crowd.push(open(n)?);
                if n % 10 == 9 {
                    let mut socket = TcpStream::connect(address)?;
                    socket.set_read_timeout(Some(Duration::from_secs(5)))?; // half of what a request may take to come
                    socket.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
                    let mut answer = String::new();
                    socket.read_to_string(&mut answer)?;
                    answers.push(status(&answer));
                }
            }
            tab.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut snapshots =
                BufReader::new(tab).lines().filter(|line| line.as_ref().is_ok_and(|line| line == "event: snapshot"));
            Ok((answers, snapshots.nth(2).is_some())) // it sends one a second
        },
    )?;
    assert_eq!(answers, [200; 15]);
    assert!(tab, "who is being answered stays");
    Ok(())
}

#[test]
fn s06_s07_the_page_has_a_strict_policy_and_no_token_in_it() -> Done {
    let page = with_page(|options| options, |address| get(address, "/"))?;
    let head = page.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "x-content-type-options: nosniff"]
    {
        assert!(head.contains(part), "{head}");
    }
    assert!(!head.contains("unsafe") && !head.contains("access-control") && !page.contains(TOKEN));
    Ok(())
}

/// How many a second, what waits, the last value, and what is wrong, with a mark before it.
#[test]
fn the_drawing_says_how_a_place_fares_and_what_is_wrong_with_it() -> Done {
    let mut scheduler = Scheduler::new()?;
    scheduler.watch_on_separate_thread(Duration::from_nanos(1))?; // each call is too long
    let lux = ListSensor::new("lux", vec![21.53; 1_000_000]);
    scheduler.schedule_sensor(lux, Duration::from_millis(1), |lux| {
        let level = lux.map(|event| event.val).probe("<level>");
        level.delay(Duration::from_secs(60), Limit::drop_oldest(8)).for_each(drop);
    })?;
    let odd = SensorOutput::new(FlakySensor::new("odd", vec![Err::<f64, _>("gone"); 100_000]));
    odd.connect(call(drop));
    scheduler.schedule_periodic(odd, Periodic::every(Duration::from_millis(1)).on_failure(OnFailure::Skip))?;
    let inspector = scheduler.inspector();
    let page = Options::new("127.0.0.1:0").unit("<level>", "lx").token(Token::new(TOKEN)?).serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let parts =
        ["/s</text>", ">&lt;level&gt;: 21.530 lx<", ">▲ 8 of 8 waiting<", ">▲ slow, ", ">▲ fails, ", "\"source ill\""];
    let is_dropping = |svg: &str| svg.lines().any(|line| line.contains(">▲ ") && line.contains(" dropped<"));
    let client = thread::spawn(move || {
        inspector.measure(true).map_err(io::Error::other)?; // as while a tab is open
        let mut svg = get(address, "/api/graph.svg");
        while svg.as_ref().is_ok_and(|svg| !is_dropping(svg) || parts.iter().any(|part| !svg.contains(part))) {
            thread::park_timeout(Duration::from_millis(50));
            svg = get(address, "/api/graph.svg");
        }
        stopper.stop();
        svg
    });
    scheduler.run_forever()?;
    let svg = client.join().map_err(|_| "the client has panicked")??;
    assert!(!svg.contains("<level>"), "{svg}");
    Ok(())
}

#[test]
fn a_graph_of_thousands_is_not_drawn_and_all_else_is_there() -> Done {
    let mut scheduler = Scheduler::new()?;
    for _ in 0..1001 {
        scheduler.schedule_recurring(interval(Duration::from_secs(1)).connect(call(drop)))?;
    }
    let page = Options::new("127.0.0.1:0").token(Token::new(TOKEN)?).serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let client = thread::spawn(move || {
        let answers = ["/api/graph.svg", "/health", "/metrics"].map(|path| get(address, path));
        stopper.stop();
        answers
    });
    scheduler.run_forever()?;
    let [drawing, health, metrics] = client.join().map_err(|_| "the client has panicked")?;
    let drawing = drawing?;
    assert!(status(&drawing) == 404 && drawing.contains("too large to be drawn"), "{drawing}");
    assert_eq!((status(&health?), metrics?.matches("thingflow_ticks_total{").count()), (200, 1001));
    Ok(())
}

#[test]
fn s07_names_are_text_in_the_drawing() -> Done {
    let svg = with_page(|options| options, |address| get(address, "/api/graph.svg"))?;
    assert!(svg.contains("image/svg+xml") && svg.contains("&lt;img src=x"), "{svg}");
    assert!(!svg.contains("<img"), "{svg}");
    Ok(())
}

/// Reads a stream until a text has come.
fn get_stream(address: SocketAddr, path: &str, until: &str) -> io::Result<String> {
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
fn s11_metrics_are_open_metrics() -> Done {
    let text = with_page(
        |options| options,
        |address| {
            get_stream(address, "/api/stream", "event: snapshot")?; // so that something has run
            get(address, "/metrics")
        },
    )?;
    assert!(text.contains("application/openmetrics-text; version=1.0.0"), "{text}");
    assert!(text.trim_end().ends_with("# EOF") && text.matches("# EOF").count() == 1, "{text}");
    let ticks = text.lines().find(|line| line.starts_with("thingflow_ticks_total{")).ok_or("ticks")?;
    assert!(ticks.contains(r#"schedule="<img src=x onerror=alert(1)>""#), "{ticks}");
    assert!(ticks.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n > 0), "{ticks}");
    for name in [
        "thingflow_queue_capacity{",
        "thingflow_dropped_total{",
        "thingflow_lateness_seconds_total{",
        "process_cpu_seconds_total ",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} in {text}");
    }
    Ok(())
}

#[test]
fn a_scheduler_that_does_not_run_is_not_healthy_and_one_that_is_gone_neither() -> Done {
    let scheduler = Scheduler::new()?;
    let page = Options::new("127.0.0.1:0").token(Token::new(TOKEN)?).serve(&scheduler)?;
    let health = |page: &Page| answer(page.local_addr(), &["GET /health HTTP/1.1", "Host: localhost"]);
    let waiting = health(&page)?;
    assert!(status(&waiting) == 503 && waiting.contains("no answer from the scheduler"), "{waiting}");
    drop(scheduler);
    let gone = health(&page)?;
    assert!(status(&gone) == 503 && gone.contains("ended"), "{gone}");
    let address = page.local_addr();
    drop(page);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    Ok(())
}

#[test]
fn what_holds_the_scheduler_up_is_named_while_it_does_and_afterwards() -> Done {
    let mut scheduler = Scheduler::new()?;
    scheduler.watch_on_separate_thread(Duration::from_millis(20))?;
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    scheduler.schedule_sensor(ListSensor::new("pump", vec![1; 100_000]), Duration::from_millis(1), |pump| {
        pump.for_each(move |_| {
            let _ = waits.recv();
        }); // until the client has seen it, and not again when it has gone
    })?;
    let page = Options::new("127.0.0.1:0").token(Token::new(TOKEN)?).serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let client = thread::spawn(move || {
        let held = get_stream(address, "/api/stream", "pump has been holding it up")?;
        let metrics = get(address, "/metrics")?;
        let health = answer(address, &["GET /health HTTP/1.1", "Host: localhost"])?;
        drop(go_on);
        let later = get_stream(address, "/api/stream", "event: snapshot")?;
        let after = get(address, "/metrics")?;
        stopper.stop();
        io::Result::Ok([held, metrics, health, later, after])
    });
    scheduler.run_forever()?;
    let [held, metrics, health, later, after] = client.join().map_err(|_| "the client has panicked")??;
    assert!(held.contains("event: ended"), "{held}");
    assert!(metrics.contains("\nthingflow_up 0\n") && !metrics.contains("ticks_total"), "{metrics}");
    assert!(metrics.contains("thingflow_overruns_total{thing=\"pump\"} 1\n"), "{metrics}");
    assert!(status(&health) == 503 && health.contains("holding it up") && !health.contains("pump"), "{health}");
    assert!(later.contains("\"thing\":\"pump\",\"count\":1,"), "{later}");
    assert!(
        after.contains("\nthingflow_up 1\n") && after.contains("overrun_ongoing_seconds{thing=\"pump\"} 0"),
        "{after}"
    );
    Ok(())
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

/// The status of an answer at a Unix socket, and what it says.
fn ask_unix(path: &Path, lines: &[&str]) -> io::Result<(u16, String)> {
    let mut socket = UnixStream::connect(path)?;
    write!(socket, "{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", lines.join("\r\n"))?;
    let mut heard = String::new();
    socket.read_to_string(&mut heard)?;
    Ok((status(&heard), heard))
}

#[test]
fn at_a_unix_socket_whoever_may_open_it_may_look_and_nobody_else_can() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("flow.sock");
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_sensor(ListSensor::new("lux", vec![1; 100_000]), Duration::from_millis(1), |lux| {
        lux.for_each(drop);
    })?;
    let page = thingflow_page::serve_unix(&scheduler, &path)?;
    assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    let taken = thingflow_page::serve_unix(&scheduler, &path).err().ok_or("a refusal")?.to_string();
    assert!(taken.contains("a program listens there"), "{taken}");
    let (asked, stopper) = (path.clone(), scheduler.stopper());
    let client = thread::spawn(move || {
        let (code, snapshot) = ask_unix(&asked, &["GET /api/snapshot HTTP/1.1", "Host: localhost"])?;
        let forwarded = ask_unix(&asked, &["GET /api/about HTTP/1.1", "Host: localhost:8080"])?.0;
        let foreign = ask_unix(&asked, &["GET /api/about HTTP/1.1", "Host: evil.example:8080"])?.0;
        stopper.stop();
        io::Result::Ok((snapshot, [code, forwarded, foreign]))
    });
    scheduler.run_forever()?;
    let (snapshot, codes) = client.join().map_err(|_| "the client has panicked")??;
    assert!(snapshot.contains("\"name\":\"lux\""), "{snapshot}");
    assert_eq!(codes, [200, 200, 421]);
    drop(page);
    assert!(!path.exists(), "it goes with the page");
    Ok(())
}

#[test]
fn s03_pages_of_other_ports_change_nothing_through_a_unix_socket_that_is_forwarded() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("flow.sock");
    let pressed = Arc::new(AtomicU64::new(0));
    let count = pressed.clone();
    let options = Options::default().button("ring", move || _ = count.fetch_add(1, Relaxed));
    let scheduler = Scheduler::new()?;
    let _page = options.serve_unix(&scheduler, &path)?;
    let press = |origin: &[&str]| {
        let start = ["POST /api/press?name=ring HTTP/1.1", "Host: localhost:8080"];
        ask_unix(&path, &[&start, origin].concat()).map(|(code, _)| code)
    };
    for origin in ["http://localhost:3000", "http://localhost", "http://127.0.0.1:8080", "http://evil.example", "null"]
    {
        assert_eq!(press(&[&format!("Origin: {origin}")])?, 403, "{origin}");
    }
    assert_eq!(pressed.load(Relaxed), 0);
    assert_eq!((press(&["Origin: http://localhost:8080"])?, press(&[])?), (204, 204), "the page, and no browser");
    assert_eq!(pressed.load(Relaxed), 2);
    Ok(())
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_a_file_is_not() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("flow.sock");
    let scheduler = Scheduler::new()?;
    drop(std::os::unix::net::UnixListener::bind(&path)?);
    assert!(path.exists());
    drop(thingflow_page::serve_unix(&scheduler, &path)?);
    std::fs::write(&path, "precious")?;
    let refused = thingflow_page::serve_unix(&scheduler, &path).err().ok_or("a refusal")?.to_string();
    assert!(refused.contains("a file that is no socket"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path)?, "precious");
    for path in [folder.path().join("no/flow.sock"), folder.path().join("x".repeat(200))] {
        assert!(thingflow_page::serve_unix(&scheduler, path).is_err());
    }
    Ok(())
}

#[test]
fn failing_sensors_are_said_by_ready() -> Done {
    let mut scheduler = Scheduler::new()?;
    let broken: Vec<Result<f64, &'static str>> = vec![Err("no answer"); 100_000];
    let lux = SensorOutput::new(FlakySensor::new("lux", broken));
    lux.connect(call(drop));
    scheduler.schedule_periodic(lux, Periodic::every(Duration::from_millis(1)).on_failure(OnFailure::Skip))?;
    let page = Options::new("127.0.0.1:0").serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let client = thread::spawn(move || {
        let mut ready = String::new();
        while !ready.contains("1 of 1 schedules fail") {
            ready = answer(address, &["GET /ready HTTP/1.1", "Host: localhost"])?;
        }
        stopper.stop();
        Ok::<_, io::Error>(ready)
    });
    scheduler.run_forever()?;
    let ready = client.join().map_err(|_| "the client has panicked")??;
    assert!(status(&ready) == 503 && !ready.contains("lux"), "names are for those with the token: {ready}");
    Ok(())
}

/// What `/ready` says: without a token.
fn ready(address: SocketAddr) -> io::Result<(u16, String)> {
    let said = answer(address, &["GET /ready HTTP/1.1", "Host: localhost"])?;
    Ok((status(&said), said.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()))
}

#[test]
fn s11_ready_says_whether_outputs_deliver_or_keep_what_they_are_given() -> Done {
    let stats = Arc::new(Mutex::new(DeliveryStats::default()));
    let (read, set) = (stats.clone(), move |change: fn(&mut DeliveryStats)| change(&mut stats.lock().unwrap()));
    let offer = move |options: Options| {
        let meter = DeliveryMeter::new(move || *read.lock().unwrap());
        options.output("<cloud>", meter).output("database", DeliveryMeter::new(DeliveryStats::default))
    };
    let said = with_page(offer, move |address| {
        let mut said = vec![ready(address)?];
        set(|stats| {
            (stats.posted, stats.waiting) = (42, 42);
            stats.oldest = Some(Timestamp::from_secs(1_000_000));
        });
        // It is new to whoever looks that events wait, but for those who see the oldest for the first time.
        said.push(ready(address)?);
        set(|stats| (stats.posted, stats.waiting, stats.dropped) = (45, 40, 5));
        said.push(ready(address)?);
        Ok(said)
    })?;
    assert_eq!(said[0], (200, "1 schedules work\n".into()));
    assert_eq!(said[1], (200, "1 schedules work\n".into()), "it has waited for a moment only");
    assert_eq!(
        said[2],
        (503, "1 schedules work\noutput 1 of 2 on the page has dropped or lost 5 events lately\n".into())
    );
    Ok(())
}

#[test]
fn s11_an_outbox_whose_peer_is_away_is_ready_with_the_reason() -> Done {
    let outbox = || {
        let mut stats = DeliveryStats::default();
        (stats.posted, stats.waiting, stats.disk_bytes) = (42, 42, Some(65_536));
        stats.oldest = Some(Timestamp::from_secs(1_000_000));
        stats
    };
    let (ready, metrics) = with_page(
        |options| {
            let [cloud, archive] = [(); 2].map(|()| DeliveryMeter::new(outbox).stored_in("/var/lib/queue"));
            options.output("cloud", cloud).output("archive", archive).output("disk", DeliveryMeter::new(outbox))
        },
        |address| Ok((ready(address)?, get(address, "/metrics")?)),
    )?;
    assert!(ready.0 == 200 && ready.1.contains("keeps what its peer does not take: 42 events waiting"), "{ready:?}");
    assert!(!ready.1.contains("cloud"), "names are for those with the token: {ready:?}");
    let lines = ["store_bytes{store=\"/var/lib/queue\"} 65536", "store_bytes{store=\"disk\"} 65536"];
    for line in lines.into_iter().chain(["output_ready{output=\"cloud\"} 1"]) {
        assert_eq!(metrics.matches(&format!("thingflow_{line}\n")).count(), 1, "{line}: {metrics}");
    }
    Ok(())
}

#[test]
fn s11_not_ready_are_outputs_that_drop_or_are_full_or_cannot_be_read() -> Done {
    for (limit, says) in [(Limit::drop_oldest(4), "has dropped or lost"), (Limit::block(4), "is full: ")] {
        let mut scheduler = Scheduler::new()?;
        let away = |_: &mut Batch<u64>| Err(Refusal::Peer(StreamError::new("connection refused")));
        let (writer, _refused) = scheduler.worker("cloud", away, Delivery::within(limit))?;
        let meter = writer.meter();
        scheduler.schedule_recurring(interval(Duration::from_millis(1)).connect(writer))?;
        let page = Options::new("127.0.0.1:0").output("cloud", meter).serve(&scheduler)?;
        let (address, stopper) = (page.local_addr(), scheduler.stopper());
        let client = thread::spawn(move || {
            let mut answer = ready(address);
            while answer.as_ref().is_ok_and(|(_, said)| !said.contains(says)) {
                thread::park_timeout(Duration::from_millis(20));
                answer = ready(address);
            }
            stopper.stop();
            answer
        });
        scheduler.run_forever()?;
        let (code, said) = client.join().map_err(|_| "the client has panicked")??;
        assert_eq!(code, 503, "{said}");
    }
    let (code, said) = with_page(|options| options.output("cloud", DeliveryMeter::new(|| panic!("no counts"))), ready)?;
    assert!(code == 503 && said.contains("the counts of 1 of 1 outputs cannot be read"), "{said}");
    Ok(())
}

#[test]
fn an_address_that_others_reach_has_to_be_asked_for() -> Done {
    let scheduler = Scheduler::new()?;
    let open = Options::new("0.0.0.0:0").serve(&scheduler).err().ok_or("a refusal")?.to_string();
    assert!(open.contains("open_to_network"), "{open}");
    assert!(Options::new("0.0.0.0:0").open_to_network().serve(&scheduler).is_ok());
    let none = thingflow_page::serve(&scheduler, "localhost").err().ok_or("a refusal")?.to_string();
    assert!(none.contains("such as 127.0.0.1:8080"), "{none}");
    let first = thingflow_page::serve(&scheduler, "127.0.0.1:0")?;
    let taken =
        thingflow_page::serve(&scheduler, &first.local_addr().to_string()).err().ok_or("a refusal")?.to_string();
    assert!(taken.contains("choose another port"), "{taken}");
    assert!(first.url().starts_with(&format!("http://{}/#token=", first.local_addr())));
    Ok(())
}

#[test]
fn the_metrics_come_without_the_counts_of_an_output_that_hangs() -> Done {
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let hangs = move || {
        let _ = waits.lock().map(|waits| waits.recv());
        DeliveryStats::default()
    };
    let (text, health) = with_page(
        |options| options.output("cloud", DeliveryMeter::new(hangs)),
        move |address| {
            let scrape = thread::spawn(move || get(address, "/metrics"));
            let health = get(address, "/health")?;
            let text = scrape.join().map_err(|_| io::Error::other("no answer"))??;
            drop(go_on);
            Ok((text, health))
        },
    )?;
    assert_eq!(status(&health), 200);
    assert!(status(&text) == 200 && text.contains("thingflow_ticks_total") && !text.contains("cloud"), "{text}");
    Ok(())
}
