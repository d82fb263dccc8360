//! Metrics, whether it is healthy, and whether it is ready.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor};
use thingflow_core::{Batch, Delivery, DeliveryMeter, DeliveryStats, OnFailure, Refusal};
use thingflow_page::{Options, Page, Token};

use super::streams::get_stream;
use super::{Done, TOKEN, answer, get, status, with_page};

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
