//! Amazon SNS: signed fields of the body, under a certificate of Amazon's.

use serde_json::Value as Json;

use crate::{
    judge::{Cause, Judged, PublicKey, Way, failed, key_document},
    recipe::Encoding,
    signature,
    value::Part,
};

pub(super) fn judge(way: &Way<'_>) -> Judged {
    let body: Json = match serde_json::from_slice(way.request.body()) {
        Ok(body) => body,
        Err(_) => return failed(Cause::NoSignature("the body is not the JSON of SNS: is raw delivery on?".to_owned())),
    };
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let (message, algorithm) = match (message(&body), text("SignatureVersion")) {
        (Ok(message), Some("1")) => (message, "rsa-pkcs1-sha1"),
        (Ok(message), Some("2")) => (message, "rsa-pkcs1-sha256"),
        (Err(problem), _) => return failed(Cause::Malformed(problem)),
        (_, version) => {
            return failed(Cause::Malformed(format!(
                "SignatureVersion is `{}`, and must be 1 or 2",
                version.unwrap_or("")
            )));
        }
    };
    let Some(given) = text("Signature").and_then(|given| signature::decode(Encoding::Base64, given)) else {
        return failed(Cause::NoSignature("Signature is missing or not base64".to_owned()));
    };
    let certificate = text("SigningCertURL").unwrap_or_default();
    if !certificate.ends_with(".pem") {
        return failed(Cause::Malformed("SigningCertURL does not end in .pem".to_owned()));
    }
    let Some(keys) = &way.scheme.keys else { return Ok(None) };
    let key = match key_document(way, keys)? {
        Ok(key) => key,
        Err(cause) => return failed(cause),
    };
    let parts = [Part::Bytes(message.into_bytes().into())];
    if !way.crypto.signature_verify(PublicKey::Given(&key), algorithm, &parts, &given)? {
        return failed(Cause::Mismatch);
    }
    // Anybody can have a topic of his own that Amazon signs for.
    match (way.request.settings().get("topic_arn"), text("TopicArn")) {
        (Some(wanted), Some(topic)) if wanted == topic => way.good(),
        (None, _) => failed(Cause::UnknownSecret("the setting topic_arn is missing".to_owned())),
        _ => failed(Cause::UnknownSecret("TopicArn is not the setting topic_arn".to_owned())),
    }
}

pub(super) fn message(body: &Json) -> Result<String, String> {
    let confirmation = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    let keys: &[&str] = match body.get("Type").and_then(Json::as_str) {
        Some("Notification") => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") => &confirmation,
        other => return Err(format!("Type is `{}`, which is none of SNS's", other.unwrap_or(""))),
    };
    let mut message = String::new();
    for key in keys {
        match body.get(key) {
            Some(Json::String(value)) => message.extend([key, "\n", value.as_str(), "\n"]),
            None | Some(Json::Null) if *key == "Subject" => {}
            _ => return Err(format!("{key} is missing")),
        }
    }
    Ok(message)
}

#[cfg(feature = "send")]
pub(super) fn sign(signer: &crate::send::Signer<'_>, sent: &mut crate::send::Sent) -> Result<(), String> {
    let private = signer.private.ok_or("a private key is needed to sign as SNS does")?;
    let mut body: Json = serde_json::from_slice(&sent.body).map_err(|error| format!("the body: {error}"))?;
    body["SignatureVersion"] = "2".into();
    if let Some(topic) = signer.settings.get("topic_arn") {
        body["TopicArn"] = topic.as_str().into();
    }
    let signed = private.sign("rsa-pkcs1-sha256", message(&body)?.as_bytes())?;
    body["Signature"] = signature::encode(Encoding::Base64, &signed).into();
    sent.body = serde_json::to_vec(&body).expect("JSON is JSON");
    Ok(())
}
