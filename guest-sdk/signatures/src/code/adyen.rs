//! Adyen's Standard webhooks: each item of a batch has a signature of its own.

use serde_json::Value as Json;

use crate::{
    judge::{Cause, Judged, Key, Way, failed},
    recipe::{Algorithm, Encoding, KeyForm},
    signature,
    value::Part,
};

const ITEMS_MOST: usize = 64;

pub(super) fn judge(way: &Way<'_>) -> Judged {
    // A signature in the header covers the whole body, and is the other scheme's.
    if way.request.header("hmacsignature").is_some() {
        return Ok(None);
    }
    let Ok(body) = serde_json::from_slice::<Json>(way.request.body()) else { return Ok(None) };
    let Some(items) = body.get("notificationItems").and_then(Json::as_array) else { return Ok(None) };
    if items.is_empty() || items.len() > ITEMS_MOST {
        return failed(Cause::Malformed(format!("/notificationItems has {} items: 1 to {ITEMS_MOST}", items.len())));
    }
    let key = Key { form: KeyForm::Hex, ..way.key };
    for (index, item) in items.iter().enumerate() {
        let item = &item["NotificationRequestItem"];
        let Some(given) = item["additionalData"]["hmacSignature"].as_str().filter(|text| !text.is_empty()) else {
            let what =
                format!("/notificationItems/{index}/NotificationRequestItem/additionalData/hmacSignature is missing");
            return failed(Cause::NoSignature(what));
        };
        let Some(given) = signature::decode(Encoding::Base64, given) else {
            return failed(Cause::Malformed(format!("the signature of item {index} is not base64")));
        };
        let parts = [Part::Bytes(message(item).into_bytes().into())];
        if !way.crypto.mac_verify(key, Algorithm::HmacSha256, &parts, &given)? {
            return failed(Cause::Mismatch);
        }
    }
    way.good()
}

/// Eight fields with colons between; what is missing is empty.
pub(super) fn message(item: &Json) -> String {
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    };
    let names = ["pspReference", "originalReference", "merchantAccountCode", "merchantReference"];
    let mut fields: Vec<String> = names.iter().map(|name| text(&item[*name])).collect();
    fields.extend([text(&item["amount"]["value"]), text(&item["amount"]["currency"])]);
    fields.extend([text(&item["eventCode"]), text(&item["success"])]);
    fields.join(":")
}

#[cfg(feature = "send")]
pub(super) fn sign(signer: &crate::send::Signer<'_>, sent: &mut crate::send::Sent) -> Result<(), String> {
    let mut body: Json = serde_json::from_slice(&sent.body).map_err(|error| format!("the body: {error}"))?;
    let items =
        body.get_mut("notificationItems").and_then(Json::as_array_mut).ok_or("the body has no notificationItems")?;
    for item in items {
        let item = &mut item["NotificationRequestItem"];
        let signed = super::mac(signer, KeyForm::Hex, "hmac-sha256", &[message(item).as_bytes()])?;
        item["additionalData"]["hmacSignature"] = signature::encode(Encoding::Base64, &signed).into();
    }
    sent.body = serde_json::to_vec(&body).expect("JSON is JSON");
    Ok(())
}
