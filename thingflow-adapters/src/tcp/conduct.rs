//! [`Conduct`]: how a client behaves towards its server, whatever it speaks.

use std::time::Duration;

use thingflow_core::{Backoff, Limit};

use crate::net::Dialer;
#[cfg(feature = "tls")]
use crate::net::Tls;

/// How a client behaves towards its server.
#[derive(Clone, Debug)]
pub(crate) struct Conduct {
    /// How many frames may wait to be sent, and what happens to one more.
    pub(crate) queue: Limit,
    /// The waits before the connection is tried again.
    pub(crate) retry: Backoff,
    /// How long a connection may take, with all that comes before its first frame.
    pub(crate) timeout: Duration,
    #[cfg(feature = "tls")]
    pub(crate) tls: Tls,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            queue: Limit::default(),
            retry: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).jitter(25),
            timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls: Tls::default(),
        }
    }
}

impl Conduct {
    /// The dialer, with TLS if the address asks for it.
    #[cfg_attr(not(feature = "tls"), allow(clippy::unused_self))] // as the other one
    pub(crate) fn secured(&self, dialer: Dialer, by_tls: bool) -> Dialer {
        #[cfg(feature = "tls")]
        if by_tls {
            return dialer.secured(self.tls.clone());
        }
        let _ = by_tls;
        dialer
    }
}
