//! [`Door`]: accepts the clients of a server; [`Turns`]: who of them is next.

use std::collections::{BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::time::Duration;

use thingflow_core::{Context, Descriptor, StreamError};

use super::listener::{Accepted, Listener};

/// How long to wait when the process has no more descriptors.
const BREATH: Duration = Duration::from_secs(1);

/// Where clients come in.
pub(crate) struct Door<L> {
    listener: Descriptor<L>,
    /// The last client was turned away, which has been reported.
    is_refusing: bool,
}

impl<L: Listener> Door<L> {
    pub(crate) fn new(listener: L) -> Self {
        Self { listener: Descriptor::new(listener), is_refusing: false }
    }

    /// What is to be registered.
    pub(crate) fn descriptor(&mut self) -> &mut Descriptor<L> {
        &mut self.listener
    }

    /// The next client that waits. `None`: none does; `Some(None)`: one that has gone, and there may be more.
    #[allow(clippy::option_option)] // one of the two is about the next call
    pub(crate) fn accept(&self, server: &str, cx: &mut Context<'_>) -> Option<Option<(Accepted, L::Client)>> {
        match self.listener.accept_client() {
            Ok(client) => Some(Some(client)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => Some(None),
            Err(error) => {
                cx.report(server, &StreamError::caused("cannot accept a client, trying again", error));
                cx.wake_at(cx.now() + BREATH);
                None
            }
        }
    }

    /// There is no room for a client. The first of several is reported.
    pub(crate) fn turn_away(&mut self, server: &str, clients: usize, cx: &Context<'_>) {
        if !std::mem::replace(&mut self.is_refusing, true) {
            let why = format!("{clients} clients are connected, turning others away; see `max_clients`");
            cx.report(server, &StreamError::msg(why));
        }
    }

    /// There is room again.
    pub(crate) fn welcome(&mut self) {
        self.is_refusing = false;
    }
}

/// Who has something to tell, each once, in the order in which they said so.
#[derive(Default)]
pub(crate) struct Turns {
    queue: VecDeque<usize>,
    queued: BTreeSet<usize>,
}

impl Turns {
    pub(crate) fn add(&mut self, key: usize) {
        if self.queued.insert(key) {
            self.queue.push_back(key);
        }
    }

    pub(crate) fn next(&mut self) -> Option<usize> {
        let key = self.queue.pop_front()?;
        self.queued.remove(&key);
        Some(key)
    }

    /// Whether somebody has.
    #[cfg(feature = "webhook")]
    pub(crate) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }
}
