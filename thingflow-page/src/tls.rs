//! [`Tls`]: the certificate by which the page is known to those who come over a network.

use std::error::Error;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, fs};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificate of the page, with its key: with it the page may be served at an address that other machines reach, by
/// [`Options::tls`](crate::Options::tls). TLS 1.2 and 1.3.
///
/// When a file has been changed, both are read again at the next connection: a certificate that was renewed on disk is shown without
/// a restart. While the files are missing or do not fit each other the one before is shown, and the log says why.
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
pub struct Tls {
    files: Files,
    shown: Arc<Mutex<Shown>>,
}

/// What is made of the files, and by which a change of them is known.
struct Shown {
    stamps: [Stamp; 2],
    config: Arc<ServerConfig>,
}

/// When a file was changed, its length, and which one it is; of none, if there is none.
type Stamp = Option<(i64, i64, u64, u64)>;

#[derive(Clone, Debug)]
struct Files {
    certificates: PathBuf,
    key: PathBuf,
}

impl Tls {
    /// A certificate with those that vouch for it, its own first, and its key: two PEM files.
    ///
    /// # Errors
    /// If a file cannot be read or has nothing of its kind, or the key is not that of the certificate.
    pub fn from_files(certificates: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let files = Files { certificates: certificates.as_ref().into(), key: key.as_ref().into() };
        let (stamps, config) = (files.stamps(), files.load()?);
        Ok(Self { files, shown: Arc::new(Mutex::new(Shown { stamps, config })) })
    }

    /// For the next connection, by the files as they are now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let stamps = self.files.stamps();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.stamps != stamps {
            shown.stamps = stamps; // what is wrong is said once
            match self.files.load() {
                Ok(config) => shown.config = config,
                Err(error) => log::error!("the page goes on with the certificate from before: {error}"),
            }
        }
        shown.config.clone().into()
    }
}

impl Files {
    fn stamps(&self) -> [Stamp; 2] {
        [&self.certificates, &self.key].map(|path| {
            let about = fs::metadata(path).ok()?;
            // The time of a change tells of new rights too.
            Some((about.ctime(), about.ctime_nsec(), about.len(), about.ino()))
        })
    }

    fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let Self { certificates, key } = self;
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| TlsError::new(certificates, error))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::new(key, error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|error| TlsError::new(certificates, error))?;
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
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
