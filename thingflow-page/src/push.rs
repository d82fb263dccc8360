//! [`Metrics`]: what `/metrics` says, as events, for boards that nobody can scrape.

use serde::Serialize;
use thingflow_core::{InspectError, Inspector, SampleError, Scheduler, Sensor, SensorEvent, SensorId};

use crate::metrics::{self, Format};
use crate::offers::Offers;
use crate::process;
use crate::server::PATIENCE;

/// A metric at a moment: a sample of `/metrics`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Metric {
    /// Its name, such as `thingflow_events_total`, with its unit where it has one: `process_cpu_seconds_total`.
    pub name: String,
    /// The id of the place or schedule that it is about, which lasts as long as the run.
    pub id: Option<String>,
    /// What it is about, by name: a place, a schedule, a Thing, an output, a thermal zone, the bound of
    /// a bucket in seconds; `None` for the whole program.
    pub place: Option<String>,
    /// The value.
    pub value: f64,
}

impl Metric {
    /// The metrics of a reading, each as an event with the time and the id of that: for
    /// [`flat_map`](thingflow_core::Elementwise::flat_map).
    pub fn each(reading: SensorEvent<Vec<Self>>) -> impl Iterator<Item = SensorEvent<Self>> {
        let SensorEvent { sensor_id, ts, val } = reading;
        val.into_iter().map(move |metric| SensorEvent::new(sensor_id, ts, metric))
    }
}

/// A sensor whose readings are the metrics of a program, the same that `/metrics` has, for boards that cannot be reached: they go into
/// any writer. It asks the scheduler, so it is scheduled on a thread of its own.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_page::{Metric, Metrics};
///
/// let mut scheduler = Scheduler::new()?;
/// scheduler.schedule_recurring(interval(Duration::from_millis(1)).named("beat").connect(call(drop)))?;
/// let metrics = scheduler.schedule_sensor_on_separate_thread(Metrics::new(&scheduler), Duration::from_millis(20))?;
/// let stopper = scheduler.stopper();
/// metrics.flat_map(Metric::each).map(|event| event.val).for_each(move |metric| {
///     if metric.name == "thingflow_ticks_total" && metric.value > 5.0 {
///         assert_eq!(metric.place.as_deref(), Some("beat"));
///         stopper.stop();
///     }
/// });
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    id: SensorId,
    inspector: Inspector,
    offers: Offers,
}

impl Metrics {
    /// The metrics of a scheduler, without those of outputs: these are told to [`Options::output`](crate::Options::output), and
    /// [`Options::metrics`](crate::Options::metrics) has them.
    pub fn new(scheduler: &Scheduler) -> Self {
        Self::of(scheduler, Offers::default())
    }

    pub(crate) fn of(scheduler: &Scheduler, offers: Offers) -> Self {
        Self { id: SensorId::from("metrics"), inspector: scheduler.inspector().timeout(PATIENCE), offers }
    }

    /// The id that its events carry, to tell boards from each other; `metrics` unless it is said.
    #[must_use]
    pub fn named(self, id: impl Into<SensorId>) -> Self {
        Self { id: id.into(), ..self }
    }
}

/// While the scheduler is held up there are those metrics that are known without it, `thingflow_up` of 0 among them.
impl Sensor for Metrics {
    type Reading = Vec<Metric>;
    type Error = InspectError;

    fn id(&self) -> SensorId {
        self.id
    }

    fn sample(&mut self) -> Result<Vec<Metric>, SampleError<InspectError>> {
        let snapshot = match self.inspector.snapshot() {
            Err(InspectError::Ended) => return Err(SampleError::Ended),
            Err(InspectError::OwnThread) => return Err(InspectError::OwnThread.into()),
            answer => answer.ok(),
        };
        let now = snapshot.as_ref().map_or_else(process::now, |snapshot| snapshot.timestamp);
        let (overruns, outputs) = (self.inspector.overruns(), self.offers.outputs.look(now));
        let text = metrics::text(snapshot, overruns, outputs, None, Format::OpenMetrics).unwrap_or_default();
        Ok(text.lines().filter_map(sample).collect())
    }
}

/// A sample of the text: `name{label="text",…} value`. A comment is none.
fn sample(line: &str) -> Option<Metric> {
    let end = line.find(['{', ' ']).filter(|_| !line.starts_with('#'))?;
    let (name, mut rest) = line.split_at(end);
    let mut metric = Metric { name: name.into(), id: None, place: None, value: 0.0 };
    while let Some(labels) = rest.strip_prefix(['{', ',']) {
        let (label, behind) = labels.split_once("=\"")?;
        let (text, behind) = quoted(behind)?;
        let place = if label == "id" { &mut metric.id } else { &mut metric.place };
        *place = Some(text);
        rest = behind;
    }
    metric.value = rest.strip_prefix('}').unwrap_or(rest).trim().parse().ok()?;
    Some(metric)
}

/// A text up to its closing quote, and what comes behind that.
fn quoted(line: &str) -> Option<(String, &str)> {
    let (mut text, mut signs) = (String::new(), line.char_indices());
    loop {
        match signs.next()? {
            (at, '"') => return Some((text, &line[at + 1..])),
            (_, '\\') => text.push(match signs.next()?.1 {
                'n' => '\n',
                sign => sign,
            }),
            (_, sign) => text.push(sign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_and_comments_are_not() {
        assert_eq!(sample("# TYPE thingflow_up gauge"), None);
        assert_eq!(sample("# EOF"), None);
        let odd = sample(r#"a_total{id="n1",node="say \"x\" {1} \\ \n,"} 4"#);
        let place = Some("say \"x\" {1} \\ \n,".to_owned());
        assert_eq!(odd, Some(Metric { name: "a_total".into(), id: Some("n1".into()), place, value: 4.0 }));
        let up = sample("thingflow_up 1").map(|metric| (metric.name, metric.value));
        assert_eq!(up, Some(("thingflow_up".into(), 1.0)));
    }

    proptest! {
        #[test]
        fn a_name_of_any_signs_comes_back(name in any::<String>()) {
            let escaped = name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let line = format!("a{{thing=\"{escaped}\"}} 2.5");
            prop_assert_eq!(sample(&line).and_then(|metric| metric.place), Some(name));
        }

        #[test]
        fn no_line_panics(line in any::<String>()) {
            let _ = sample(&line);
        }
    }
}
