use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::{free_port, own_dir};

/// The name that the certificates are for. They are not valid for its address.
pub const NAME: &str = "localhost";

/// A certificate authority of the test's own, and the certificate for [`NAME`] that it signed.
/// Clients trust it if `SSL_CERT_FILE` names [`Tls::authority`].
#[derive(Debug)]
pub struct Tls {
    dir: PathBuf,
}

impl Tls {
    pub fn new() -> anyhow::Result<Self> {
        // The number only makes the folder's name unique.
        let tls = Self { dir: own_dir("tls", free_port()?)? };
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages.push(KeyUsagePurpose::KeyCertSign);
        let key = KeyPair::generate()?;
        std::fs::write(tls.authority(), authority.self_signed(&key)?.pem())?;
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![NAME.to_owned()])?.signed_by(&key, &issuer)?;
        std::fs::write(tls.certificate(), certificate.pem())?;
        std::fs::write(tls.key(), key.serialize_pem())?;
        Ok(tls)
    }

    /// The certificate of the authority that clients have to trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.dir.join("authority.pem")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.dir.join("certificate.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.dir.join("key.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        // Nothing else is in it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}
