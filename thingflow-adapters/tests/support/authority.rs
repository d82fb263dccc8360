//! Certificates of the test's own.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Who signs all certificates of a test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority");
        let key = KeyPair::generate().expect("there is a random number");
        Self(CertifiedIssuer::self_signed(params, key).expect("it can be signed"))
    }

    pub(crate) fn write(&self, path: &Path) {
        fs::write(path, self.0.pem()).expect("the folder is ours");
    }

    /// Writes a certificate, valid from so much after now, and its key.
    pub(crate) fn issue(&self, folder: &Path, name: &str, starts_in: Duration, lasts: Duration) {
        let key = KeyPair::generate().expect("there is a random number");
        let mut params = CertificateParams::new([name.to_owned(), "127.0.0.1".to_owned()]).expect("they are names");
        let starts = SystemTime::now() + starts_in - DAY;
        params.not_before = starts.into();
        params.not_after = (starts + DAY + lasts).into();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0).expect("it can be signed");
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).expect("the folder is ours");
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).expect("the folder is ours");
    }
}
