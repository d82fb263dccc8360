//! Things on descriptors: a `Full` and a resume in one call, and what another Thing announces.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Interest, PortRef, Ready, Registry};

use super::Sent;
use super::call_with::call_with;
use super::clockwork::{Result, S, at};

/// Waits for a socket that never has anything, and sends what it has at hand until it is told to pause.
struct AtHand {
    socket: Descriptor<UnixStream>,
    rest: VecDeque<i32>,
    port: Port<i32>,
}

impl Ports for AtHand {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for AtHand {
    fn send(&mut self, cx: &mut Context<'_>) -> Sent {
        while let Some(n) = self.rest.pop_front() {
            match self.port.emit(n, cx)? {
                Demand::More => {}
                other => return Ok(other),
            }
        }
        Ok(Demand::Done)
    }
}

impl EventThing for AtHand {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.socket, 0, Interest::READABLE)
    }
}

#[test]
fn a_thing_on_a_descriptor_is_called_again_if_there_is_room_in_the_call_that_was_full() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (near, _far) = UnixStream::pair()?;
    let source = AtHand { socket: Descriptor::new(near), rest: (1..=3).collect(), port: Port::new() };
    let mut taken = seen.clone();
    source.port.connect(call_with(move |n, cx| {
        let _ = taken.next(n, cx)?;
        cx.resume();
        Ok(Demand::Full)
    }));
    scheduler.schedule_on_main_event_loop(source)?;
    scheduler.run_for(S)?;
    assert_eq!(seen.events(), [1, 2, 3]);
    Ok(())
}

type Told = Rc<RefCell<(Option<Registry>, Vec<(u64, Ready)>)>>;

/// Notes what it is told of its descriptor, for whoever has it announced again.
struct Listener(Descriptor<UnixStream>, Told);

impl Ports for Listener {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Listener {
    fn send(&mut self, cx: &mut Context<'_>) -> Sent {
        let (registry, told) = &mut *self.1.borrow_mut();
        told.extend(registry.iter().filter_map(Registry::next_ready).map(|ready| (cx.now().as_nanos(), ready)));
        Ok(Demand::More)
    }
}

impl EventThing for Listener {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.1.borrow_mut().0 = Some(registry.clone());
        registry.register(&mut self.0, 0, Interest::READABLE)
    }
}

#[test]
fn a_descriptor_that_another_thing_has_announced_again_is_announced() -> Result {
    let (mut scheduler, told) = (Scheduler::virtual_time()?, Told::default());
    let (near, mut far) = UnixStream::pair()?;
    far.write_all(b"x")?;
    scheduler.schedule_on_main_event_loop(Listener(Descriptor::new(near), told.clone()))?;
    let again = told.clone();
    at(&scheduler, 1, move || {
        if let (Some(registry), [(_, ready)]) = (&again.borrow().0, &*again.borrow().1) {
            registry.call_again(*ready);
        }
    })?;
    scheduler.run_for(3 * S)?;
    assert_eq!(told.borrow().1.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1_000_000_000]);
    Ok(())
}
