//! [`Tls`]: the certificate by which the page is known to those who come over a network.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificate of the page, with its key: with it the page may be served at an address that other machines reach, by
/// [`Options::tls`](crate::Options::tls). TLS 1.2 and 1.3.
///
/// ```no_run
/// # use thingflow_core::prelude::*;
/// use thingflow_page::{Options, Tls};
/// # let scheduler = Scheduler::new()?;
/// let tls = Tls::from_files("/etc/greenhouse/cert.pem", "/etc/greenhouse/key.pem")?;
/// let page = Options::new("0.0.0.0:8443").tls(tls).allow_host("greenhouse.local").serve(&scheduler)?;
/// println!("{}", page.url()); // https://greenhouse.local:8443/#token=…
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// A certificate with those that vouch for it, its own first, and its key: two PEM files. They are read here, once: a program
    /// that gets a new certificate is started anew.
    ///
    /// # Errors
    /// If a file cannot be read or has nothing of its kind, or the key is not that of the certificate.
    pub fn from_files(certificates: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let (certificates, key) = (certificates.as_ref(), key.as_ref());
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| TlsError::new(certificates, error))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::new(key, error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|error| TlsError::new(certificates, error))?;
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.0.clone().into()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Why a certificate or its key cannot be used.
pub struct TlsError {
    path: PathBuf,
    cause: Box<dyn Error + Send + Sync>,
}

impl TlsError {
    fn new(path: &Path, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { path: path.into(), cause: Box::new(cause) }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, cause) = (self.path.display(), &self.cause);
        write!(
            f,
            "cannot use {path} for TLS: {cause}; give a PEM file of certificates, and one of the key of the first"
        )
    }
}

/// As `Display`.
impl fmt::Debug for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}
