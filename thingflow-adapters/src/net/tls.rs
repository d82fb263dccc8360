//! [`Tls`]: which certificates to trust and to show.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use std::{fmt, fs, io};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use thingflow_core::Timestamp;

use crate::printable::printable;

/// Which certificates to trust, and which one to show. By default those that the system trusts, and none.
///
/// A server shows its [`identity`](Self::identity), which it must have, and lets in everybody; with
/// [`trust_only`](Self::trust_only) only those who show a certificate that is trusted.
///
/// The files are PEM. When one has been changed, it is read again at the next handshake: a certificate that was renewed on disk
/// is taken without a restart.
///
/// ```
/// use thingflow_adapters::net::Tls;
/// let tls = Tls::default().trust_only("/etc/mosquitto/ca.pem").identity("/etc/lux/cert.pem", "/etc/lux/key.pem");
/// # let _ = tls;
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Tls {
    roots: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    client: Kept<ClientConfig>,
    server: Kept<ServerConfig>,
}

/// What has been made of the files, and which they were.
type Kept<C> = Arc<Mutex<Option<Loaded<C>>>>;

struct Loaded<C> {
    stamps: Vec<Stamp>,
    config: Arc<C>,
}

/// By which a changed file is known.
type Stamp = Option<(SystemTime, u64, u64)>;

impl Tls {
    /// Trusts the certificates in this file, and not those that the system trusts.
    pub fn trust_only(self, certificates: impl Into<PathBuf>) -> Self {
        Self { roots: Some(certificates.into()), client: Arc::default(), server: Arc::default(), ..self }
    }

    /// Shows this certificate, or chain of certificates, whose private key is in the other file.
    pub fn identity(self, certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let identity = Some((certificates.into(), key.into()));
        Self { identity, client: Arc::default(), server: Arc::default(), ..self }
    }

    /// Until when the certificate is valid that is shown, as it is on disk now; `None` if none is. An alarm some weeks before
    /// saves a trip.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no certificate.
    pub fn expiry(&self) -> Result<Option<Timestamp>, TlsError> {
        let Some((path, _)) = &self.identity else { return Ok(None) };
        let first = certificates(path)?.into_iter().next();
        let end = first.as_deref().and_then(super::certificate::not_after);
        end.map(Some).ok_or_else(|| TlsError::new(path, "its first certificate has no end of validity", None))
    }

    /// Begins a handshake with a server of that name.
    pub(crate) fn begin(&self, host: &str) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let config = self.config().map_err(io::Error::other)?;
        ClientConnection::new(config, name).map_err(io::Error::other)
    }

    /// Begins a handshake with a client.
    pub(crate) fn accept(&self) -> io::Result<ServerConnection> {
        let config = self.cached(&self.server, Self::load_server).map_err(io::Error::other)?;
        ServerConnection::new(config).map_err(io::Error::other)
    }

    /// What a client makes of the files, as they are now.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        self.cached(&self.client, Self::load_client)
    }

    fn cached<C>(&self, kept: &Kept<C>, load: fn(&Self) -> Result<C, TlsError>) -> Result<Arc<C>, TlsError> {
        let paths = self.identity.iter().flat_map(|(certificates, key)| [certificates, key]).chain(&self.roots);
        let stamps: Vec<Stamp> = paths.map(|path| stamp(path)).collect();
        let mut loaded = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Loaded { stamps: before, config }) = &*loaded
            && *before == stamps
        {
            return Ok(config.clone());
        }
        let config = Arc::new(load(self)?);
        *loaded = Some(Loaded { stamps, config: config.clone() });
        Ok(config)
    }

    fn load_client(&self) -> Result<ClientConfig, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(no_setup)?.with_root_certificates(self.trusted()?);
        let Some((path, _)) = &self.identity else { return Ok(builder.with_no_client_auth()) };
        builder.with_client_auth_cert(certificates(path)?, self.key()?).map_err(|error| self.no_pair(error))
    }

    fn load_server(&self) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(no_setup)?;
        let Some((path, _)) = &self.identity else {
            return Err(TlsError::new(
                Path::new("a server without a certificate"),
                "a server has to show one, see `Tls::identity`",
                None,
            ));
        };
        let builder = if self.roots.is_some() {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.trusted()?), provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(no_setup)?)
        } else {
            builder.with_no_client_auth()
        };
        builder.with_single_cert(certificates(path)?, self.key()?).map_err(|error| self.no_pair(error))
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let path = self.identity.as_ref().map(|(_, key)| key.as_path()).unwrap_or(Path::new(""));
        let failed = |error| TlsError::new(path, "it has no private key in PEM", Some(Box::new(error)));
        PrivateKeyDer::from_pem_file(path).map_err(failed)
    }

    fn no_pair(&self, error: rustls::Error) -> TlsError {
        let path = self.identity.as_ref().map(|(_, key)| key.as_path()).unwrap_or(Path::new(""));
        TlsError::new(path, "it does not fit its certificate", Some(Box::new(error)))
    }

    fn trusted(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        let (path, found) = match &self.roots {
            Some(path) => (path.as_path(), certificates(path)?),
            None => (Path::new("the system's certificates"), rustls_native_certs::load_native_certs().certs),
        };
        roots.add_parsable_certificates(found);
        if roots.is_empty() {
            return Err(TlsError::new(path, "it has no certificate to trust", None));
        }
        Ok(roots)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn no_setup(error: impl Error + Send + Sync + 'static) -> TlsError {
    TlsError::new(Path::new("these files"), "they cannot be set up", Some(Box::new(error)))
}

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::new(path, "it has no certificates in PEM", Some(Box::new(error)));
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(failed)
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = self.identity.as_ref().map(|(certificates, _)| certificates);
        f.debug_struct("Tls").field("roots", &self.roots).field("identity", &identity).finish_non_exhaustive()
    }
}

/// A file of certificates or keys that cannot be used.
pub struct TlsError {
    path: PathBuf,
    why: &'static str,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl TlsError {
    fn new(path: &Path, why: &'static str, cause: Option<Box<dyn Error + Send + Sync>>) -> Self {
        Self { path: path.to_owned(), why, cause }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use {} for TLS: {}", printable(&self.path.to_string_lossy()), self.why)?;
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
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
        self.cause.as_ref().map(|cause| &**cause as _)
    }
}
