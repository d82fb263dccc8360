//! [`Desk`]: where the reactor answers other threads, and what it notes for them. There is none before somebody asks for an
//! inspector, and until then nothing is noted.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant as RealTime;

use super::super::engine::Engine;
use super::super::keyed::Id;
use super::super::threads::inbox::{self, Inbox};
use super::client::{Client, Request};
use super::snapshot::{CallTimes, Lateness, Reported};
use super::turns::TurnTimes;
use crate::clock::Instant;
use crate::diagram::Trace;
use crate::error::StreamError;
use crate::limit::Limit;
use crate::notice::Arrival;
use crate::port::Connection;

/// So many questions may wait.
const MOST_WAITING: usize = 64;
/// Errors of so many Things are told apart.
const MOST_NAMES: usize = 256;

pub(in super::super) struct Desk {
    inbox: RefCell<Inbox<Request>>,
    pub(super) client: Client,
    /// As many as there are controls, and one.
    pub(super) controls: Arc<()>,
    /// Whether the time is measured that calls take.
    measures: Cell<bool>,
    /// How long turns take, once somebody has asked for a snapshot.
    turns: Cell<Option<TurnTimes>>,
    noted: RefCell<BTreeMap<u32, Noted>>,
    errors: RefCell<Vec<Reported>>,
    reported: Cell<u64>,
    /// How taps show events.
    pub(super) shows: RefCell<Trace>,
    pub(super) taps: RefCell<Vec<(usize, Connection)>>,
}

/// What is noted of a schedule.
#[derive(Clone, Copy, Default)]
pub(super) struct Noted {
    pub(super) lateness: Lateness,
    pub(super) calls: CallTimes,
}

impl Desk {
    fn new(engine: &Engine) -> Self {
        let (requests, inbox) = inbox::channel(&Limit::fail(MOST_WAITING), engine.bell.clone(), Id::NOBODY);
        Self {
            inbox: RefCell::new(inbox),
            client: Client::new(requests, engine.watched.shared().clone()),
            controls: Arc::default(),
            measures: Cell::default(),
            turns: Cell::default(),
            noted: RefCell::default(),
            errors: RefCell::default(),
            reported: Cell::default(),
            shows: RefCell::new(Trace::new()),
            taps: RefCell::default(),
        }
    }

    fn take_requests(&self) -> Vec<Request> {
        let mut requests = Vec::new();
        let _ = self.inbox.borrow_mut().drain(usize::MAX, |arrival| {
            if let Arrival::Next(request) = arrival {
                requests.push(request);
            }
            ControlFlow::Continue(())
        });
        requests
    }

    /// Whether somebody may let a schedule go on that is paused.
    pub(in super::super) fn is_controlled(&self) -> bool {
        Arc::strong_count(&self.controls) > 1
    }

    pub(super) fn noted(&self, id: Id) -> Noted {
        self.noted.borrow().get(&id.serial()).copied().unwrap_or_default()
    }

    pub(super) fn measures(&self) -> bool {
        self.measures.get()
    }

    /// Measures calls from now on, from zero, or no more.
    pub(super) fn measure(&self, on: bool) {
        if self.measures.replace(on) != on {
            self.noted.borrow_mut().values_mut().for_each(|noted| noted.calls = CallTimes::default());
        }
    }

    pub(super) fn errors(&self) -> (u64, Vec<Reported>) {
        (self.reported.get(), self.errors.borrow().clone())
    }

    fn note(&self, id: Id, change: impl FnOnce(&mut Noted)) {
        change(self.noted.borrow_mut().entry(id.serial()).or_default());
    }

    pub(super) fn turns(&self) -> TurnTimes {
        self.turns.get().unwrap_or_default()
    }

    /// Measures turns from now on.
    pub(super) fn measure_turns(&self) {
        self.turns.set(Some(self.turns()));
    }

    // ---- what the engine tells ----

    /// A turn begins: when, in real time, if that is measured.
    pub(in super::super) fn begin_turn(&self) -> Option<RealTime> {
        self.turns.get().map(|_| RealTime::now())
    }

    pub(in super::super) fn note_turn(&self, begun: RealTime) {
        let mut turns = self.turns();
        turns.add(begun.elapsed());
        self.turns.set(Some(turns));
    }

    /// A call begins at `now`, for a tick that was due at a time, if it is one. When, in real time, if that is measured.
    pub(in super::super) fn begin(&self, id: Id, tick: Option<Instant>, now: Instant) -> Option<RealTime> {
        if let Some(tick) = tick {
            self.note(id, |noted| noted.lateness.add(now.since(tick)));
        }
        self.measures.get().then(RealTime::now)
    }

    pub(in super::super) fn note_call(&self, id: Id, begun: RealTime) {
        self.note(id, |noted| noted.calls.add(begun.elapsed()));
    }

    /// A schedule is gone.
    pub(in super::super) fn forget(&self, id: Id) {
        self.noted.borrow_mut().remove(&id.serial());
    }

    pub(in super::super) fn note_error(&self, thing: &str, error: &StreamError, at: Instant) {
        self.reported.set(self.reported.get() + 1);
        let mut errors = self.errors.borrow_mut();
        if let Some(known) = errors.iter_mut().find(|known| known.thing == thing) {
            known.again(error, at);
        } else if errors.len() < MOST_NAMES {
            errors.push(Reported::new(thing, error, at)); // else it is counted with all
        }
    }
}

impl Engine {
    pub(in super::super) fn desk(&self) -> &Desk {
        self.desk.get_or_init(|| Desk::new(self))
    }

    /// Does what other threads have asked for. Not while a Thing is being called.
    pub(in super::super) fn answer_others(&self) {
        let Some(desk) = self.desk.get() else { return };
        for request in desk.take_requests() {
            self.note_failed(self.discard(|_| request(self)));
        }
    }

    /// Whether there is a run to ask about. When it ends, those who wait for an answer hear that at once.
    pub(in super::super) fn tell_others(&self, runs: bool) {
        let Some(desk) = self.desk.get() else { return };
        desk.client.set_ended(!runs);
        if !runs {
            drop(desk.take_requests());
        }
    }
}
