//! By what a destination is known, and by what it knows this house.

use std::sync::Arc;

use model::{Faults, Secret, destination::Trust};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::Connector;

/// The rules of one destination, read once. Cloning is cheap; connections are shared by those with the same one.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Parts>);

/// Lives as long as a destination uses it, whatever pools still hold connections.
#[derive(Debug)]
pub(crate) struct Parts {
    config: Arc<ClientConfig>,
}

impl Connector {
    /// What `trust` asks for, beside the roots of the machine; none if that is nothing. `key` is the value of the secret
    /// that the client certificate names, PEM. Faults have their place in the destination.
    pub fn tls(&self, trust: &Trust, key: Option<&Secret>) -> Result<Option<Tls>, Faults> {
        if trust.is_default() {
            return Ok(None);
        }
        let mut roots = self.parts.roots.clone();
        for (index, root) in trust.roots.iter().enumerate() {
            let fault = |error| Faults::one("ca", format!("certificate {} is no root: {error}", index + 1));
            roots.add(root.clone()).map_err(fault)?;
        }
        let client = match &trust.client_certificate {
            Some(certificate) => {
                let at = "client_certificate.key";
                let missing = || Faults::one(at, format!("secret `{}` has no value", certificate.key));
                let pem = key.ok_or_else(missing)?.expose();
                // What the reader says could show parts of the key.
                let read = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
                    let name = &certificate.key;
                    Faults::one(at, format!("secret `{name}` holds no private key in PEM (PKCS #8, PKCS #1 or SEC1)"))
                })?;
                Some((certificate.chain.clone(), read))
            }
            None => None,
        };
        let config = config(roots, client).map_err(|error| {
            Faults::one("client_certificate", format!("certificate and key cannot be used together: {error}"))
        })?;
        Ok(Some(Tls(Arc::new(Parts { config: Arc::new(config) }))))
    }
}

impl Tls {
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0.config)
    }

    pub(crate) fn parts(&self) -> &Arc<Parts> {
        &self.0
    }
}

pub(super) fn config(
    roots: RootCertStore,
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut tls = match client {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}
