//! What a request to an HTTP endpoint carries beside the event, and by what the two know each other.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Faults, Name, limits};

/// How deliveries are signed: after Standard Webhooks, <https://www.standardwebhooks.com>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    pub scheme: SignatureScheme,
    pub secret: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureScheme {
    /// HMAC-SHA256 with a secret that both sides know: `whsec_` and base64 of 24 to 64 bytes.
    #[default]
    V1,
    /// Ed25519: `whsk_` and base64 of the private key; receivers need only the public one.
    V1a,
}

/// By what a destination and this house know each other in TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    /// Beside those of the machine.
    pub roots: Vec<CertificateDer<'static>>,
    pub client_certificate: Option<ClientCertificate>,
}

/// What is shown to a destination that asks who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The own one first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The secret that holds the private key in PEM.
    pub key: Name,
}

/// With which scheme and secret to sign. Every valid value of the secret signs, the newest first, so that receivers can
/// change over to a new one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignSpec {
    /// `v1` (default): HMAC-SHA256. `v1a`: Ed25519.
    #[serde(default)]
    pub scheme: SignatureScheme,
    /// A secret of the same project.
    pub secret: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificateSpec {
    /// PEM: the certificate, then those between it and the root.
    pub certificate: String,
    /// A secret of the same project: the private key, PEM. Its newest value counts.
    pub key: String,
}

impl SignSpec {
    pub(super) fn read(&self) -> Result<Sign, Faults> {
        Ok(Sign { scheme: self.scheme, secret: read_name("secret", &self.secret)? })
    }
}

impl Trust {
    /// Looks only at how the PEM is written; what the certificates say is seen when they are used.
    pub(super) fn read(ca: Option<&str>, client: Option<&ClientCertificateSpec>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let roots = ca.and_then(|pem| faults.keep("ca", read_certificates(pem))).unwrap_or_default();
        let client_certificate = client.and_then(|client| {
            let chain = faults.keep("client_certificate.certificate", read_certificates(&client.certificate));
            let key = faults.keep("client_certificate", read_name("key", &client.key));
            Some(ClientCertificate { chain: chain?, key: key? })
        });
        faults.or(Self { roots, client_certificate })
    }

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn read_name(at: &str, written: &str) -> Result<Name, Faults> {
    written.parse().map_err(|problem: String| Faults::one(at, problem))
}

fn read_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Faults> {
    if pem.len() > limits::PEM_BYTES_MOST {
        return Err(Faults::one("", format!("is longer than {} bytes", limits::PEM_BYTES_MOST)));
    }
    if pem.contains("PRIVATE KEY-----") {
        return Err(Faults::one("", "holds a private key, which must be a secret; leave only certificates here"));
    }
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(Faults::one("", "holds no certificate: write PEM, which begins with `-----BEGIN CERTIFICATE-----`"))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(Faults::one("", format!("is no PEM: {error}"))),
    }
}

/// Those that say where a message ends, are for one hop (RFC 9110, section 7.6.1), or are set from what is known.
const NOT_STATIC: [HeaderName; 12] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

pub(super) fn read_headers(written: &BTreeMap<String, String>) -> Result<HeaderMap, Faults> {
    let mut faults = Faults::default();
    let mut headers = HeaderMap::with_capacity(written.len());
    let bytes: usize = written.iter().map(|(name, value)| name.len() + value.len()).sum();
    if written.len() > limits::STATIC_HEADERS_MOST || bytes > limits::STATIC_HEADER_BYTES_MOST {
        let (most, bytes_most) = (limits::STATIC_HEADERS_MOST, limits::STATIC_HEADER_BYTES_MOST);
        faults.add("", format!("are {} of {bytes} bytes: at most {most} of {bytes_most}", written.len()));
    }
    for (name, value) in written {
        let Ok(read) = name.parse::<HeaderName>() else {
            faults.add(name, "is not the name of a header");
            continue;
        };
        if NOT_STATIC.contains(&read) || read.as_str().starts_with("webhook-") {
            faults.add(name, "is set by the host and cannot be chosen");
            continue;
        }
        let Ok(mut value) = HeaderValue::from_str(value) else {
            faults.add(name, "has a value that no header can carry: no line breaks and control characters");
            continue;
        };
        // It may be a key: not to be shown in logs, nor kept in a table of HTTP/2.
        value.set_sensitive(true);
        if headers.insert(read, value).is_some() {
            faults.add(name, "is there twice, in capitals and in small letters");
        }
    }
    faults.or(headers)
}
