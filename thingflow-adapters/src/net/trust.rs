//! [`TlsFault`]: what is wrong with certificates, told apart from a server that is away.

use std::io;

/// What is at fault when a handshake fails. Without TLS there is none.
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsFault {
    /// A certificate is not valid yet: the clock of this machine may not be set.
    NotYetValid,
    /// A certificate, a key or a name: somebody must act.
    Setup,
}

impl TlsFault {
    /// What it means, for people.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Setup => "no trust between this client and the server",
            Self::NotYetValid => {
                "the server's certificate is not valid yet: the clock of this machine is probably not set"
            }
        }
    }
}

/// What TLS finds wrong, if it is that.
#[cfg(feature = "tls")]
pub(crate) fn fault(error: &io::Error) -> Option<TlsFault> {
    use rustls::CertificateError;
    let inner = error.get_ref()?;
    if inner.is::<super::TlsError>() {
        return Some(TlsFault::Setup);
    }
    match inner.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => Some(TlsFault::NotYetValid),
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Some(TlsFault::Setup),
        // The server does not take the certificate that was shown.
        rustls::Error::AlertReceived(_) => Some(TlsFault::Setup),
        _ => None,
    }
}

/// Without TLS there is nothing to find.
#[cfg(not(feature = "tls"))]
pub(crate) fn fault(_: &io::Error) -> Option<TlsFault> {
    None
}
