//! How the journal's thread wakes the reactor: by an `eventfd`.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};
use thingflow_core::{Descriptor, Interest, Registry};

/// The reactor's end. It is told again of what comes after [`quiet`](Self::quiet).
pub(crate) struct Bell {
    fd: Arc<OwnedFd>,
    watched: Option<Descriptor<Arc<OwnedFd>>>,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { fd: Arc::new(fd), watched: None })
    }

    /// What rings it, from any thread.
    pub(crate) fn ringer(&self) -> impl Fn() + Send + Sync + 'static {
        let fd = self.fd.clone();
        move || {
            // It fails only if the bell has been rung so often that it does not matter.
            let _ = rustix::io::write(&*fd, &1_u64.to_ne_bytes());
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let mut descriptor = Descriptor::new(self.fd.clone());
        registry.register(&mut descriptor, 0, Interest::READABLE)?;
        self.watched = Some(descriptor);
        Ok(())
    }

    /// Takes note of all that has rung.
    pub(crate) fn quiet(&self) {
        let mut count = [0; 8];
        // `WouldBlock` if nothing has.
        let _ = rustix::io::read(&*self.fd, &mut count);
    }
}
