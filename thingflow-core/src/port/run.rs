//! [`RunLink`]: what a port and the scheduler that runs it know of each other.

use alloc::format;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::{AnyPort, Hub, Inner};
use crate::context::Context;
use crate::error::FatalError;
#[cfg(feature = "std")]
use crate::scheduler::StopJoins;

/// The run that has started a port or a join, if any.
#[derive(Default)]
pub(crate) struct RunOf {
    link: Cell<Weak<RunLink>>,
    run: Cell<u64>,
}

impl RunOf {
    pub(super) fn link(&self) -> Option<Rc<RunLink>> {
        let link = self.link.take();
        let run = link.upgrade();
        self.link.set(link);
        run
    }

    /// Notes which run it is.
    pub(crate) fn set(&self, link: &Rc<RunLink>) {
        self.link.set(Rc::downgrade(link));
        self.run.set(link.run.get());
    }

    /// Whether there was one, which has ended.
    pub(super) fn is_over(&self) -> bool {
        let link = self.link.take();
        let began = !link.ptr_eq(&Weak::new());
        self.link.set(link);
        began && self.going_on().is_none()
    }

    /// The run, while it goes on: not any more when it is being closed.
    pub(crate) fn going_on(&self) -> Option<Rc<RunLink>> {
        self.link().filter(|link| link.run == self.run)
    }
}

impl<T: Clone + 'static> Inner<T> {
    /// Leaves it to the scheduler to end the stream when nothing is on its way round a loop any more. False where there is
    /// none, or where nothing is to be ended.
    pub(super) fn ends_at_rest(&self, cx: &Context<'_>) -> bool {
        !self.pending.is_closed() && self.me.upgrade().is_some_and(|me| cx.host().end_at_rest(me))
    }

    /// Notes which run the port belongs to. Whether that is a new one: then nobody knows of the wishes of what has been
    /// started before.
    ///
    /// # Errors
    /// If it belongs to another scheduler that is still there.
    pub(super) fn belong(&self, cx: &mut Context<'_>) -> Result<bool, FatalError> {
        let Some(link) = cx.host().link() else { return Ok(false) };
        match self.run.link() {
            Some(old) if !Rc::ptr_eq(&old, &link) => {
                return Err(cx.fatal(format!(
                    "the port `{}` belongs to another scheduler: give each scheduler ports of its own, and post events from one \
                     to the other over a `Remote`",
                    self.display_name()
                )));
            }
            Some(_) if self.run.run == link.run => return Ok(false),
            _ => {}
        }
        self.run.set(&link);
        link.note_started(self.me.clone());
        Ok(true)
    }
}

/// What a port tells the scheduler that runs it, from where no context is at hand.
#[derive(Default)]
pub(crate) struct RunLink {
    /// Ports of which a connection is gone, or that answer to nobody any more.
    deserted: RefCell<Vec<Weak<dyn AnyPort>>>,
    /// So many of them may be there before doubles and those that are gone are looked for.
    deserted_room: Cell<usize>,
    left: Cell<bool>,
    unstarted: RefCell<Vec<Weak<dyn AnyPort>>>,
    /// Ports that nothing feeds any more, and joins of which an input is gone.
    unfed: RefCell<Vec<Rc<dyn Hub>>>,
    /// The ports and joins that this run has started, whether or not a walk over the graph sees them.
    started: RefCell<Vec<Weak<dyn Hub>>>,
    /// So many may have been started before those that are gone are looked for.
    room: Cell<usize>,
    /// The number of the run.
    run: Cell<u64>,
    /// How a run with joins has them stop. Only joins name it: a program without one does not contain it, which is some 40 KiB.
    #[cfg(feature = "std")]
    stop_joins: Cell<Option<StopJoins>>,
    #[cfg(feature = "std")]
    pub(crate) trackers: crate::tracking::Trackers,
}

impl RunLink {
    pub(super) fn note_unlistened(&self, port: Weak<dyn AnyPort>) {
        let mut deserted = self.deserted.borrow_mut();
        if deserted.len() >= self.deserted_room.get() {
            deserted.retain(|port| port.strong_count() > 0); // nothing is scheduled, so that nobody takes them
            deserted.sort_unstable_by_key(|port| port.as_ptr().cast::<()>());
            deserted.dedup_by(|one, other| one.ptr_eq(other));
            self.deserted_room.set(2 * deserted.len() + 64);
        }
        if deserted.last().is_none_or(|last| !last.ptr_eq(&port)) {
            deserted.push(port);
        }
    }

    pub(super) fn note_left(&self, port: Weak<dyn AnyPort>) {
        self.left.set(true);
        self.note_unlistened(port);
    }

    pub(super) fn start_soon(&self, port: Weak<dyn AnyPort>) {
        self.unstarted.borrow_mut().push(port);
    }

    /// Calls [`Hub::unfed`] in the next turn.
    pub(crate) fn tell_unfed(&self, hub: Rc<dyn Hub>) {
        self.unfed.borrow_mut().push(hub);
    }

    /// Whether any are to be told.
    #[cfg(feature = "std")]
    pub(crate) fn has_unfed(&self) -> bool {
        !self.unfed.borrow().is_empty()
    }

    /// Those that are to be told.
    #[cfg(feature = "std")]
    pub(crate) fn take_unfed(&self) -> Vec<Rc<dyn Hub>> {
        self.unfed.take()
    }

    /// Notes a port or a join that has been started, so that the run can stop and close it. Those that are gone are forgotten now
    /// and then.
    pub(crate) fn note_started(&self, hub: Weak<dyn Hub>) {
        let mut started = self.started.borrow_mut();
        if started.len() >= self.room.get() {
            started.retain(|hub| hub.strong_count() > 0);
            self.room.set(2 * started.len() + 64);
        }
        started.push(hub);
    }

    /// Keeps a join that has been started, as [`note_started`](Self::note_started) does.
    pub(crate) fn note_join(&self, join: Weak<dyn Hub>) {
        #[cfg(feature = "std")]
        self.stop_joins.set(Some(crate::scheduler::STOP_JOINS));
        self.note_started(join);
    }

    /// How the joins of the run are stopped, if it has any.
    #[cfg(feature = "std")]
    pub(crate) fn stop_joins(&self) -> Option<StopJoins> {
        self.stop_joins.get()
    }

    /// The ports and joins that this run has started and that still live.
    #[cfg(feature = "std")]
    pub(crate) fn started(&self) -> Vec<Rc<dyn Hub>> {
        self.started.borrow().iter().filter_map(Weak::upgrade).collect()
    }

    /// The ports among these.
    #[cfg(feature = "std")]
    pub(crate) fn ports(&self) -> Vec<Rc<dyn AnyPort>> {
        self.started().into_iter().filter_map(Hub::as_port).collect()
    }

    /// Ends the run: the ports that it has started and that still live.
    #[cfg(feature = "std")]
    pub(crate) fn end_run(&self) -> Vec<Rc<dyn AnyPort>> {
        self.run.set(self.run.get() + 1);
        self.room.set(0);
        // A hundred thousand ports need no second list: this one is made in the place of the first.
        let mut ports: Vec<_> =
            self.started.take().into_iter().filter_map(|hub| hub.upgrade()).filter_map(Hub::as_port).collect();
        ports.extend(self.unfed.borrow().iter().cloned().filter_map(Hub::as_port));
        ports
    }

    /// The ports of which a source may have lost its last listener.
    #[cfg(feature = "std")]
    pub(crate) fn take_deserted(&self) -> Vec<Weak<dyn AnyPort>> {
        self.deserted_room.set(0);
        self.deserted.take()
    }

    /// Whether a connection was taken off since the last call: it may have asked a source to pause.
    #[cfg(feature = "std")]
    pub(crate) fn take_left(&self) -> bool {
        self.left.take()
    }

    /// Ports that have connections to start.
    #[cfg(feature = "std")]
    pub(crate) fn take_unstarted(&self) -> Vec<Weak<dyn AnyPort>> {
        self.unstarted.take()
    }

    #[cfg(feature = "std")]
    pub(crate) fn is_quiet(&self) -> bool {
        self.deserted.borrow().is_empty()
            && self.unstarted.borrow().is_empty()
            && !self.has_unfed()
            && !self.trackers.is_nudged()
    }
}
