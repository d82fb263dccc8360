//! `/metrics`, by those for whom it is: promtool, the parsers of Prometheus' client for Python, and a Prometheus.

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;
use thingflow_core::{DeliveryMeter, DeliveryStats};
use thingflow_page::{Options, Token};

type Done<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const TOKEN: &str = "correct-horse-battery-staple";
/// What a name may have in it that a label has to escape.
const ODD: &str = "a \"quoted\\name\"\nin two lines {le=\"1\"} 🌡";

const OPEN: &str = "application/openmetrics-text";
const CLASSIC: &str = "text/plain;version=0.0.4";

/// A flow with every kind of metric, until `work` is done.
fn beside<T: Send + 'static>(work: impl FnOnce(SocketAddr) -> Done<T> + Send + 'static) -> Done<T> {
    let mut scheduler = Scheduler::new()?;
    scheduler.watch_on_separate_thread(Duration::from_nanos(1))?; // each call is too long
    scheduler.schedule_sensor(ListSensor::new(ODD, vec![21.5; 1_000_000]), Duration::from_millis(1), |lux| {
        lux.delay(Duration::from_secs(60), Limit::drop_oldest(8)).for_each(drop);
        lux.try_map(|_| Err::<(), _>("refused")).for_each(drop);
    })?;
    let page = Options::new("127.0.0.1:0")
        .token(Token::new(TOKEN)?)
        .output(ODD, DeliveryMeter::new(outbox).stored_in(ODD))
        .serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let client = thread::spawn(move || {
        let result = work(address);
        stopper.stop();
        result
    });
    scheduler.run_forever()?;
    client.join().map_err(|_| "the client has panicked")?
}

fn outbox() -> DeliveryStats {
    let mut stats = DeliveryStats::default();
    (stats.posted, stats.waiting, stats.disk_bytes) = (9, 9, Some(65_536));
    stats.oldest = Some(Timestamp::from_secs(1_000_000));
    stats
}

/// The body of an answer, with the head before it.
fn get(address: SocketAddr, path: &str, accept: &str) -> Done<(String, String)> {
    let mut socket = TcpStream::connect(address)?;
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    write!(socket, "GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: {accept}\r\n{token}\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    Ok((head.to_owned(), body.to_owned()))
}

/// What a program says of what it is given.
fn judge(program: &str, words: &[&str], text: &str) -> Done<(bool, String)> {
    let install = "`cargo xtask setup --servers` installs it";
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}: {install}"))?;
    child.stdin.take().ok_or("a pipe")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok((output.status.success(), said))
}

#[test]
fn s11_promtool_and_the_parsers_of_python_accept_the_metrics() -> Done {
    let (open, classic) = beside(|address| {
        while !get(address, "/metrics", OPEN)?.1.contains("thingflow_dropped_total{id=\"n") {} // until something was dropped
        Ok((get(address, "/metrics", OPEN)?, get(address, "/metrics", CLASSIC)?))
    })?;
    assert!(open.0.contains("application/openmetrics-text; version=1.0.0"), "{}", open.0);
    assert!(classic.0.contains("text/plain; version=0.0.4"), "{}", classic.0);

    let (is_well, said) = judge("promtool", &["check", "metrics"], &classic.1)?;
    assert!(is_well && said.is_empty(), "{said}\n{}", classic.1);

    let parse = |module: &str| {
        format!(
            "import sys\nfrom prometheus_client.{module} import text_string_to_metric_families as parse\n\
         for family in parse(sys.stdin.read()):\n  for it in family.samples: print(family.type, it.name, repr(it.labels), it.value)\n"
        )
    };
    for (module, text) in [("openmetrics.parser", &open.1), ("parser", &classic.1)] {
        let (is_well, said) = judge("/usr/bin/python3", &["-c", &parse(module)], text)?;
        assert!(is_well, "{module}: {said}\n{text}");
        let ticks = said.lines().find(|line| line.starts_with("counter thingflow_ticks_total ")).ok_or("no ticks")?;
        assert!(ticks.contains(r#"'a "quoted\\name"\nin two lines {le="1"} 🌡'"#), "{ticks}");
        for name in [
            "up",
            "overruns_total",
            "overrun_longest_seconds",
            "queue_waiting",
            "dropped_total",
            "lateness_seconds_total",
            "turn_seconds_bucket",
            "turn_seconds_count",
            "turn_longest_seconds",
            "page_connections",
            "page_streams",
            "store_bytes",
            "output_ready",
        ] {
            assert!(said.contains(&format!(" thingflow_{name} ")), "{name}: {said}");
        }
    }
    Ok(())
}

/// A Prometheus, which ends with this.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn s11_a_prometheus_scrapes_the_page() -> Done {
    let folder = tempfile::tempdir()?;
    let at = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let home = folder.path().to_owned();
    let result = beside(move |page| {
        fs::write(home.join("token"), TOKEN)?;
        let config = format!(
            "scrape_configs:\n- job_name: flow\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n\
             \x20 authorization: {{ credentials_file: token }}\n  static_configs:\n  - targets: ['{page}']\n"
        );
        fs::write(home.join("prometheus.yml"), config)?;
        let log = fs::File::create(home.join("log"))?;
        let mut command = Command::new("prometheus");
        command.current_dir(&home).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address={at}")).stdout(Stdio::null()).stderr(log);
        let install = "`cargo xtask setup --servers` installs it";
        let _prometheus = Prometheus(command.spawn().map_err(|error| format!("prometheus: {error}: {install}"))?);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = get(at, "/api/v1/query?query=thingflow_ticks_total", "*/*").map(|(_, body)| body);
            match answer {
                Ok(body) if body.contains("quoted") => return Ok(body),
                _ if Instant::now() < deadline => thread::park_timeout(Duration::from_millis(50)),
                answer => return Err(format!("{answer:?}\n{}", fs::read_to_string(home.join("log"))?).into()),
            }
        }
    })?;
    let value: serde_json::Value = serde_json::from_str(&result)?;
    let metric = &value["data"]["result"][0];
    assert_eq!((&metric["metric"]["schedule"], &metric["metric"]["job"]), (&ODD.into(), &"flow".into()));
    assert!(metric["value"][1].as_str().and_then(|count| count.parse::<f64>().ok()) > Some(0.0), "{result}");
    Ok(())
}
