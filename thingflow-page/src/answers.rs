//! Answers to single questions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use thingflow_core::{Control, InspectError, NodeId, Snapshot, Timestamp};

use crate::metrics::{self, Format, Visitors};
use crate::outputs::Output;
use crate::past::Line;
use crate::process;
use crate::server::{PATIENCE, Site};

/// An answer that could not be given, and why.
pub(crate) struct Failed(StatusCode, String);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, self.1 + "\n").into_response()
    }
}

impl From<InspectError> for Failed {
    fn from(error: InspectError) -> Self {
        let status = match error {
            InspectError::UnknownNode(_) | InspectError::UnknownSchedule(_) | InspectError::NoTap(_) => {
                StatusCode::NOT_FOUND
            }
            InspectError::Ambiguous(..) => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.to_string())
    }
}

/// Of words that say nothing that can be answered.
impl From<QueryRejection> for Failed {
    fn from(error: QueryRejection) -> Self {
        let text = error.body_text();
        let why = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        Self(StatusCode::BAD_REQUEST, format!("invalid words behind the `?`: {why}"))
    }
}

/// The words behind the `?`.
type Words<T> = Result<Query<T>, QueryRejection>;

impl Failed {
    /// Says something more.
    fn and(self, more: Option<String>) -> Self {
        Self(self.0, more.into_iter().fold(self.1, |said, more| format!("{said}: {more}")))
    }
}

/// Without the name, which is for those who have the token.
fn held_up(taken: Duration) -> String {
    format!("a call has been holding it up for {taken:.1?}; the page says which")
}

/// Asks the scheduler, which may take a while, without holding up other answers.
pub(crate) async fn ask<T: Send + 'static>(
    site: &Arc<Site>,
    question: impl FnOnce(&Site) -> Result<T, InspectError> + Send + 'static,
) -> Result<T, Failed> {
    let site = site.clone();
    let answer = tokio::task::spawn_blocking(move || question(&site)).await;
    let answer = answer.map_err(|error| Failed(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(answer?)
}

/// The same for what runs code of the program, which may take long: only so much of it at a time.
async fn ask_slow<T: Send + 'static>(
    site: &Arc<Site>,
    question: impl FnOnce(&Site) -> T + Send + 'static,
) -> Result<T, Failed> {
    let permit = site.slow.clone().acquire_owned().await;
    ask(site, move |site| {
        let _until_done = permit; // also when nobody waits for the answer any more
        Ok(question(site))
    })
    .await
}

pub(crate) async fn snapshot(site: &Arc<Site>) -> Result<Snapshot, Failed> {
    ask(site, Site::snapshot).await
}

/// What the page has to know before anything else.
#[derive(Serialize)]
pub(crate) struct About {
    title: String,
    has_control: bool,
    /// Places of which the past is known.
    pasts: Vec<String>,
    units: BTreeMap<String, String>,
    buttons: Vec<String>,
}

pub(crate) async fn about(State(site): State<Arc<Site>>) -> Json<About> {
    let pasts = site.pasts.places().map(str::to_owned).collect();
    Json(About {
        title: site.title.clone(),
        has_control: site.control.is_some(),
        pasts,
        units: site.units.clone(),
        buttons: site.offers.buttons(),
    })
}

pub(crate) async fn whole(State(site): State<Arc<Site>>) -> Result<Json<Snapshot>, Failed> {
    Ok(Json(snapshot(&site).await?))
}

pub(crate) async fn graph(State(site): State<Arc<Site>>) -> Result<Response, Failed> {
    let svg = ask(&site, |site| Ok(site.notes.draw(&site.snapshot()?, &site.units))).await?;
    let too_much =
        || Failed(StatusCode::NOT_FOUND, "the graph is too large to be drawn: the tables say the same".into());
    let svg = svg.ok_or_else(too_much)?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

pub(crate) async fn metrics(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Failed> {
    let format = Format::accepted(headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()));
    // What holds the scheduler up is said although it gives no answer.
    let snapshot = match ask(&site, |site| Ok(site.inspector.snapshot())).await? {
        Err(error) if error == InspectError::Ended => return Err(error.into()),
        answer => answer.ok(),
    };
    let outputs = outputs(&site, snapshot.as_ref().map(|snapshot| snapshot.timestamp)).await;
    let outputs = outputs.unwrap_or_else(|Failed(_, why)| {
        log::error!("the metrics are without outputs: {why}");
        Vec::new()
    });
    let visitors = Visitors { streams: site.tabs().open(), connections: site.connections.taken() };
    let text = metrics::text(snapshot, site.inspector.overruns(), outputs, Some(visitors), format);
    let text = text.map_err(|error| Failed(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(CONTENT_TYPE, format.kind())], text).into_response())
}

/// What has become of the events of all outputs. What reads that is user code, which may hang.
async fn outputs(site: &Arc<Site>, now: Option<Timestamp>) -> Result<Vec<Output>, Failed> {
    let now = now.unwrap_or_else(process::now);
    let read = ask_slow(site, move |site| site.offers.outputs.look(now));
    let hangs = format!("the scheduler did not give the counts of the outputs within {PATIENCE:?}");
    tokio::time::timeout(PATIENCE, read).await.map_err(|_| Failed(StatusCode::SERVICE_UNAVAILABLE, hangs))?
}

pub(crate) async fn counts(State(site): State<Arc<Site>>) -> Result<Json<Vec<Output>>, Failed> {
    outputs(&site, None).await.map(Json)
}

pub(crate) async fn health(State(site): State<Arc<Site>>) -> Result<&'static str, Failed> {
    ask(&site, |site| site.inspector.snapshot()).await.map_err(|failed| failed.and(site.held_for().map(held_up)))?;
    Ok("the loop turns\n")
}

/// Names are for those who have the token: the page shows them.
pub(crate) async fn ready(State(site): State<Arc<Site>>) -> Result<String, Failed> {
    let Snapshot { schedules, timestamp, .. } = snapshot(&site).await?;
    let outputs = outputs(&site, Some(timestamp)).await?;
    let (mut is_ready, mut said) = (true, Vec::new());
    let failing = schedules.iter().filter(|schedule| schedule.failing > 0).count();
    if failing > 0 {
        is_ready = false;
        said.push(format!("{failing} of {} schedules fail; the page says which", schedules.len()));
    } else {
        said.push(format!("{} schedules work", schedules.len()));
    }
    let all = site.offers.outputs.len();
    if outputs.len() < all {
        is_ready = false;
        said.push(format!("the counts of {} of {all} outputs cannot be read; the log says which", all - outputs.len()));
    }
    is_ready &= outputs.iter().all(|output| output.state.is_ready());
    let told = outputs.iter().enumerate().filter_map(|(at, it)| Some((at + 1, it.why.as_ref()?)));
    said.extend(told.map(|(at, why)| format!("output {at} of {all} on the page {why}")));
    let said = said.join("\n");
    if is_ready { Ok(said + "\n") } else { Err(Failed(StatusCode::SERVICE_UNAVAILABLE, said)) }
}

/// A place's name, and milliseconds since 1970.
#[derive(Deserialize)]
pub(crate) struct Span {
    place: String,
    from: i64,
    until: i64,
}

pub(crate) async fn past(State(site): State<Arc<Site>>, span: Words<Span>) -> Result<Json<Line>, Failed> {
    let Query(span) = span?;
    let at = |millis: i64| Timestamp::from_nanos(millis.saturating_mul(1_000_000));
    let (place, span) = (span.place, at(span.from)..at(span.until));
    let line = ask_slow(&site, move |site| site.pasts.line(&place, &span)).await?;
    match line {
        Some(Ok(line)) => Ok(Json(line)),
        Some(Err(error)) => Err(Failed(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot read the past: {error}"))),
        None => Err(Failed(StatusCode::NOT_FOUND, "unknown past: the program offers it by `Options::past`".into())),
    }
}

/// Which schedule a request is about.
#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

/// Which button or slider, and how that is to stand.
#[derive(Deserialize)]
pub(crate) struct Offered {
    name: String,
    value: Option<f64>,
}

pub(crate) async fn unknown() -> Failed {
    Failed(StatusCode::NOT_FOUND, "unknown address: the page is at `/`".into())
}

pub(crate) async fn press(State(site): State<Arc<Site>>, which: Words<Offered>) -> Changed {
    let Query(which) = which?;
    let pressed = ask_slow(&site, move |site| site.offers.press(&which.name)).await?;
    if pressed { Ok(StatusCode::NO_CONTENT) } else { Err(Failed(StatusCode::NOT_FOUND, "unknown button".into())) }
}

pub(crate) async fn set(State(site): State<Arc<Site>>, which: Words<Offered>) -> Changed {
    let Query(which) = which?;
    match site.offers.set(&which.name, which.value.unwrap_or(f64::NAN)) {
        Some(true) => Ok(StatusCode::NO_CONTENT),
        Some(false) => {
            Err(Failed(StatusCode::BAD_REQUEST, "invalid value: it is outside of the slider's range".into()))
        }
        None => Err(Failed(StatusCode::NOT_FOUND, "unknown slider".into())),
    }
}

type Changed = Result<StatusCode, Failed>;

pub(crate) async fn pause(State(site): State<Arc<Site>>, which: Words<Which>) -> Changed {
    change(&site, &which?.0, Control::pause).await
}

pub(crate) async fn resume(State(site): State<Arc<Site>>, which: Words<Which>) -> Changed {
    change(&site, &which?.0, Control::resume).await
}

pub(crate) async fn end(State(site): State<Arc<Site>>, which: Words<Which>) -> Changed {
    change(&site, &which?.0, Control::end).await
}

async fn change(site: &Arc<Site>, which: &Which, how: fn(&Control, NodeId) -> Result<(), InspectError>) -> Changed {
    let id: NodeId =
        which.id.parse().map_err(|_| Failed(StatusCode::BAD_REQUEST, "invalid id of a schedule".into()))?;
    if site.control.is_none() {
        let why = "this page only shows: the program has to call `Options::allow_control`";
        return Err(Failed(StatusCode::FORBIDDEN, why.into()));
    }
    ask(site, move |site| site.control.as_ref().map_or(Ok(()), |control| how(control, id))).await?;
    Ok(StatusCode::NO_CONTENT)
}
