//! Schemes that recipes cannot say. What each does stands in the recipe that names it.

mod adyen;
mod braintree;
mod contentful;
mod ebay;
mod plaid;
mod plivo;
mod rfc9421;
mod sns;

use crate::{
    judge::{Cause, Judged, Way, failed},
    recipe::Code,
};

pub(crate) fn judge(way: &Way<'_>) -> Judged {
    match way.scheme.code {
        Some(Code::Adyen) => adyen::judge(way),
        Some(Code::Braintree) => braintree::judge(way),
        Some(Code::Contentful) => contentful::judge(way),
        Some(Code::Ebay) => ebay::judge(way),
        Some(Code::Plaid) => plaid::judge(way),
        Some(Code::Plivo) => plivo::judge(way),
        Some(Code::Rfc9421) => rfc9421::judge(way),
        Some(Code::Sns) => sns::judge(way),
        None => failed(Cause::Malformed("the recipe does not say which code it means".to_owned())),
    }
}

/// A setting that must be one of these; the first if it is not given.
fn choice<'a>(way: &Way<'a>, setting: &str, of: &[&'a str]) -> Result<&'a str, Cause> {
    match way.request.settings().get(setting) {
        None => Ok(of[0]),
        Some(given) => of.iter().copied().find(|known| known == given).ok_or_else(|| {
            Cause::UnknownSecret(format!("the setting {setting} is `{given}`, and must be {}", of.join(" or ")))
        }),
    }
}

/// Signs as the provider does.
#[cfg(feature = "send")]
pub(crate) fn sign(
    scheme: &crate::Scheme,
    signer: &crate::send::Signer<'_>,
    sent: &mut crate::send::Sent,
) -> Result<(), String> {
    match scheme.code {
        Some(Code::Adyen) => adyen::sign(signer, sent),
        Some(Code::Braintree) => braintree::sign(signer, sent),
        Some(Code::Contentful) => contentful::sign(signer, sent),
        Some(Code::Ebay) => ebay::sign(signer, sent),
        Some(Code::Plaid) => plaid::sign(scheme, signer, sent),
        Some(Code::Plivo) => plivo::sign(signer, sent),
        Some(Code::Rfc9421) => rfc9421::sign(signer, sent),
        Some(Code::Sns) => sns::sign(signer, sent),
        None => Err("the recipe does not say which code it means".to_owned()),
    }
}

/// The MAC under the signer's secret.
#[cfg(feature = "send")]
fn mac(
    signer: &crate::send::Signer<'_>,
    form: crate::KeyForm,
    algorithm: &str,
    message: &[&[u8]],
) -> Result<Vec<u8>, String> {
    let key = crate::native::derive(signer.secret.as_bytes(), "", form)?;
    Ok(crate::native::mac(algorithm, &key, message.iter().copied()).expect("is known"))
}
