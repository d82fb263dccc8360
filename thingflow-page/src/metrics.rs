//! `/metrics`: a snapshot as text, by the conventions of `OpenMetrics`.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, text::encode,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use thingflow_core::{Overrun, Snapshot, TurnTimes};

use crate::outputs::Output;
use crate::process::{self, Process};

/// How metrics are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    OpenMetrics,
    /// That of Prometheus before there were `OpenMetrics`.
    Classic,
}

impl Format {
    /// What a request wants by its header `Accept`; who asks for nothing special gets `OpenMetrics`.
    pub(crate) fn accepted(accept: Option<&str>) -> Self {
        let accepts = |kind: &str| accept.is_some_and(|accept| accept.to_ascii_lowercase().contains(kind));
        if accepts("text/plain") && !accepts("application/openmetrics-text") {
            Self::Classic
        } else {
            Self::OpenMetrics
        }
    }

    /// The media type.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// `OpenMetrics` in the format before: a counter is described by the name of its samples, and there are neither units nor an end.
fn classic(text: &str) -> String {
    let counters: HashSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut classic = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
        let described =
            ["# HELP ", "# TYPE "].iter().find_map(|word| Some((word, line.strip_prefix(word)?.split_once(' ')?)));
        match described {
            Some((word, (name, rest))) if counters.contains(name) => {
                classic.extend([word, name, "_total ", rest, "\n"]);
            }
            _ => classic.extend([line, "\n"]),
        }
    }
    classic
}

/// A snapshot as text, if there is one, and what holds the scheduler up.
pub(crate) fn text(
    snapshot: Option<Snapshot>,
    overruns: Vec<Overrun>,
    outputs: Vec<Output>,
    visitors: Option<Visitors>,
    format: Format,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    let ours = registry.sub_registry_with_prefix("thingflow");
    ours.register_collector(Box::new(Turning { answers: snapshot.is_some(), overruns, outputs }));
    if let Some(snapshot) = snapshot {
        ours.register_collector(Box::new(Flow(snapshot)));
    }
    if let Some(visitors) = visitors {
        ours.register_collector(Box::new(visitors));
    }
    registry.sub_registry_with_prefix("process").register_collector(Box::new(Cost(Process::read())));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(if format == Format::Classic { classic(&text) } else { text })
}

/// A label set of two: the place's id, and its name.
type Labels = [(&'static str, String); 2];

#[derive(Debug)]
struct Flow(Snapshot);

/// What is known without asking the scheduler.
#[derive(Debug)]
struct Turning {
    answers: bool,
    overruns: Vec<Overrun>,
    outputs: Vec<Output>,
}

impl Turning {
    fn outputs(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        type Of = fn(&Output) -> u64;
        let each = || self.outputs.iter().map(|it| ([("output", it.name.clone())], it));
        let counts: [(&str, &str, Of); 5] = [
            ("output_taken", "Events that an output was given", |it| it.taken),
            ("output_delivered", "Events that it has delivered", |it| it.delivered),
            ("output_dropped", "Events that a limit has taken away from it", |it| it.dropped),
            ("output_dead_letters", "Events of it that were refused for good", |it| it.dead),
            ("output_lost", "Events of it that were lost", |it| it.lost),
        ];
        for (name, help, of) in counts {
            family(encoder, (name, help, None), each().map(|(at, it)| (at, ConstCounter::new(of(it)))))?;
        }
        let waiting = each().map(|(at, it)| (at, gauge(it.waiting)));
        family(encoder, ("output_waiting", "Events that wait to be delivered", None), waiting)?;
        let oldest = each().filter_map(|(at, it)| Some((at, ConstGauge::new(it.oldest?))));
        family(encoder, ("output_oldest", "How long the oldest of these waits", Some(&Unit::Seconds)), oldest)?;
        let stores = self.outputs.iter().filter_map(|it| Some((it.store.as_ref().unwrap_or(&it.name), it.disk_bytes?)));
        let stores = stores.collect::<BTreeMap<_, _>>().into_iter();
        let stored = stores.map(|(store, bytes)| ([("store", store.clone())], gauge(bytes)));
        let help = "What an outbox takes on the disk, for all its outputs together";
        family(encoder, ("store", help, Some(&Unit::Bytes)), stored)?;
        let ready = each().map(|(at, it)| (at, gauge(it.state.is_ready().into())));
        family(encoder, ("output_ready", "Whether the output delivers or keeps what it is given", None), ready)
    }
}

impl Collector for Turning {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let answers = gauge(self.answers.into());
        let help = "Whether the scheduler has answered; without an answer there is only what is known without it";
        answers.encode(encoder.encode_descriptor("up", help, None, answers.metric_type())?)?;
        let each = || self.overruns.iter().map(|it| ([("thing", it.thing.clone())], it));
        let count = each().map(|(at, it)| (at, ConstCounter::new(it.count)));
        family(&mut encoder, ("overruns", "Calls that held the scheduler up for longer than asked", None), count)?;
        let longest = each().map(|(at, it)| (at, seconds(it.longest)));
        family(&mut encoder, ("overrun_longest", "The longest of these calls", Some(&Unit::Seconds)), longest)?;
        let ongoing = each().map(|(at, it)| (at, seconds(it.ongoing.unwrap_or_default())));
        family(&mut encoder, ("overrun_ongoing", "How long such a call takes already", Some(&Unit::Seconds)), ongoing)?;
        let zones =
            process::temperatures().into_iter().map(|(zone, celsius)| ([("zone", zone)], ConstGauge::new(celsius)));
        let celsius = Unit::Other("celsius".to_owned());
        family(&mut encoder, ("temperature", "Of the board, by the kernel's zones", Some(&celsius)), zones)?;
        self.outputs(&mut encoder)
    }
}

/// Those who look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitors {
    /// Open streams: a browser shares one between its tabs.
    pub(crate) streams: usize,
    pub(crate) connections: usize,
}

impl Collector for Visitors {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self { streams, connections } = *self;
        for (name, help, n) in [
            ("page_streams", "Browsers that look at the page", streams),
            ("page_connections", "Connections to the page", connections),
        ] {
            let n = gauge(n as u64);
            n.encode(encoder.encode_descriptor(name, help, None, n.metric_type())?)?;
        }
        Ok(())
    }
}

/// How long turns took.
struct Turns(TurnTimes);

impl EncodeMetric for Turns {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Self(TurnTimes { turns, total, counts, .. }) = self;
        let within = counts.iter().sum::<u64>();
        let bounds = TurnTimes::BOUNDS.iter().map(Duration::as_secs_f64).zip(counts.iter().copied());
        let buckets: Vec<_> = bounds.chain([(f64::INFINITY, turns.saturating_sub(within))]).collect();
        encoder.encode_histogram::<NoLabelSet>(total.as_secs_f64(), *turns, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// Writes one metric for all places that have it.
fn family<L: EncodeLabelSet, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): (&str, &str, Option<&Unit>),
    entries: impl IntoIterator<Item = (L, M)>,
) -> fmt::Result {
    let mut entries = entries.into_iter().peekable();
    let Some((_, first)) = entries.peek() else { return Ok(()) };
    let mut family = encoder.encode_descriptor(name, help, unit, first.metric_type())?;
    entries.try_for_each(|(labels, metric)| metric.encode(family.encode_family(&labels)?))
}

impl Collector for Flow {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.nodes(&mut encoder)?;
        self.schedules(&mut encoder)?;
        let turns = Turns(self.0.turns);
        let help = "How long the turns of the scheduler took: so long nothing else was served";
        turns.encode(encoder.encode_descriptor("turn", help, Some(&Unit::Seconds), turns.metric_type())?)?;
        let longest = seconds(self.0.turns.longest);
        let help = "The longest of these turns";
        longest.encode(encoder.encode_descriptor(
            "turn_longest",
            help,
            Some(&Unit::Seconds),
            longest.metric_type(),
        )?)?;
        let errors = self.0.errors.iter();
        let errors = errors.map(|it| ([("thing", it.thing.clone())], ConstCounter::new(it.count)));
        family(&mut encoder, ("errors", "Errors that were reported", None), errors)?;
        let total = ConstCounter::new(self.0.reported);
        total.encode(encoder.encode_descriptor("reports", "Errors of all Things", None, total.metric_type())?)
    }
}

impl Flow {
    fn nodes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let nodes = || self.0.graph.nodes.iter().filter_map(|node| Some((labels(node.id?, "node", &node.name), node)));
        let events = nodes().filter_map(|(labels, node)| Some((labels, ConstCounter::new(node.events?))));
        family(encoder, ("events", "Events that a port has sent", None), events)?;
        // A place has a queue or two; together they are what the place holds.
        let queues = || nodes().filter(|(_, node)| !node.queues.is_empty());
        let waiting = queues().map(|(at, node)| (at, gauge(node.queues.iter().map(|queue| queue.waiting).sum())));
        family(encoder, ("queue_waiting", "Events that wait in the queues of a place", None), waiting)?;
        let capacity = queues().filter_map(|(at, node)| {
            Some((at, gauge(node.queues.iter().map(|queue| queue.capacity).sum::<Option<u64>>()?)))
        });
        family(encoder, ("queue_capacity", "How many events may wait there", None), capacity)?;
        let dropped = queues()
            .map(|(at, node)| (at, ConstCounter::new(node.queues.iter().map(|queue| queue.dropped).sum::<u64>())));
        family(encoder, ("dropped", "Events that full queues have dropped", None), dropped)?;
        let dead =
            queues().map(|(at, node)| (at, ConstCounter::new(node.queues.iter().map(|queue| queue.dead).sum::<u64>())));
        family(encoder, ("dead_letters", "Events that were refused for good", None), dead)
    }

    fn schedules(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let all = || self.0.schedules.iter().map(|it| (labels(it.id, "schedule", &it.name), it));
        let counted = |count: u64| ConstCounter::new(count);
        family(encoder, ("ticks", "Calls of a schedule", None), all().map(|(at, it)| (at, counted(it.stats.ticks))))?;
        family(
            encoder,
            ("missed_ticks", "Ticks that passed without a call", None),
            all().map(|(at, it)| (at, counted(it.stats.missed))),
        )?;
        family(
            encoder,
            ("failures", "Samplings that failed", None),
            all().map(|(at, it)| (at, counted(it.stats.failures))),
        )?;
        let failing = all().map(|(at, it)| (at, gauge(u64::from(it.failing))));
        family(encoder, ("failing", "Samplings that have failed since the last that did not", None), failing)?;
        let late = all().map(|(at, it)| (at, ConstCounter::new(it.lateness.total.as_secs_f64())));
        family(encoder, ("lateness", "How late ticks were, all together", Some(&Unit::Seconds)), late)?;
        let latest = all().map(|(at, it)| (at, seconds(it.lateness.longest)));
        family(encoder, ("lateness_longest", "The latest tick", Some(&Unit::Seconds)), latest)?;
        let calls = all().filter_map(|(at, it)| Some((at, ConstCounter::new(it.calls?.total.as_secs_f64()))));
        family(encoder, ("call", "Time spent in calls, with all that follows", Some(&Unit::Seconds)), calls)
    }
}

fn labels(id: impl fmt::Display, key: &'static str, name: &str) -> Labels {
    [("id", id.to_string()), (key, name.to_owned())]
}

fn gauge(n: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(n).unwrap_or(i64::MAX))
}

fn seconds(time: Duration) -> ConstGauge<f64> {
    ConstGauge::new(time.as_secs_f64())
}

#[derive(Debug)]
struct Cost(Option<Process>);

impl Collector for Cost {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(process) = self.0 else { return Ok(()) };
        let cpu = ConstCounter::new(process.seconds);
        let help = "Processor time of the program";
        cpu.encode(encoder.encode_descriptor("cpu", help, Some(&Unit::Seconds), cpu.metric_type())?)?;
        let resident = gauge(process.resident);
        let help = "Memory of the program that is resident";
        resident.encode(encoder.encode_descriptor(
            "resident_memory",
            help,
            Some(&Unit::Bytes),
            resident.metric_type(),
        )?)
    }
}
