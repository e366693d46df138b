//! Braintree: a form with a payload and signatures by public key.

use crate::{
    judge::{Cause, Judged, Key, Way, failed},
    recipe::{Algorithm, Encoding, KeyForm},
    signature,
    value::Part,
};

pub(super) fn judge(way: &Way<'_>) -> Judged {
    let field =
        |wanted: &str| way.request.form().iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let (Some(given), Some(payload)) = (field("bt_signature"), field("bt_payload")) else {
        return failed(Cause::NoSignature("form field bt_signature or bt_payload is missing".to_owned()));
    };
    let Some(public) = way.request.settings().get("public_key") else {
        return failed(Cause::UnknownSecret("the setting public_key is missing".to_owned()));
    };
    let mut pairs = given.split('&').filter_map(|pair| pair.split_once('|'));
    let Some((_, given)) = pairs.find(|(key, _)| key == public) else {
        return failed(Cause::UnknownSecret("bt_signature has no signature under the setting public_key".to_owned()));
    };
    if !payload.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\n".contains(&byte)) {
        return failed(Cause::Malformed("bt_payload has characters that are not base64".to_owned()));
    }
    // The challenge has such texts signed under the same key, for anybody.
    let digits: Vec<u8> = payload.bytes().filter(|byte| *byte != b'\n').collect();
    if (20..=32).contains(&digits.len()) && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return failed(Cause::Malformed("bt_payload is what a challenge looks like".to_owned()));
    }
    let Some(given) = signature::decode(Encoding::Hex, given) else {
        return failed(Cause::Malformed("the signature in bt_signature is not hexadecimal".to_owned()));
    };
    let key = Key { form: KeyForm::Sha1, ..way.key };
    for end in ["", "\n"] {
        let parts = [Part::Bytes([payload, end].concat().into_bytes().into())];
        if way.crypto.mac_verify(key, Algorithm::HmacSha1, &parts, &given)? {
            return way.good();
        }
    }
    failed(Cause::Mismatch)
}

#[cfg(feature = "send")]
pub(super) fn sign(signer: &crate::send::Signer<'_>, sent: &mut crate::send::Sent) -> Result<(), String> {
    let public = signer.settings.get("public_key").ok_or("the setting public_key is missing")?;
    let payload = form_urlencoded::parse(&sent.body).find(|(name, _)| name == "bt_payload");
    let payload = payload.ok_or("the body has no bt_payload")?.1.into_owned();
    let signed = super::mac(signer, KeyForm::Sha1, "hmac-sha1", &[payload.as_bytes()])?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("bt_signature", &format!("{public}|{}", hex::encode(signed))).append_pair("bt_payload", &payload);
    sent.body = form.finish().into_bytes();
    Ok(())
}
