//! What the simulator signs is taken, and nothing else: for every provider, scheme and sample.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use signatures::{
    Judgement, Options, Recipe, Request, Scheme,
    native::{Keyring, PrivateKey},
    send::{self, Sent, Signer},
};

const NOW: u64 = 1_790_000_000_000;
const URL: &str = "https://hooks.example.com/in?a=1";

macro_rules! ensure {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(format!($($what)*));
        }
    };
}

struct Party {
    secret: String,
    private: Option<PrivateKey>,
    settings: BTreeMap<String, String>,
    keyring: Keyring,
}

/// Modulus and exponent of an RSAPublicKey in DER.
fn rsa_numbers(der: &[u8]) -> [Vec<u8>; 2] {
    fn element(rest: &mut &[u8]) -> Vec<u8> {
        let (mut length, mut at) = (usize::from(rest[1]), 2);
        if length & 0x80 != 0 {
            let bytes = length & 0x7f;
            length = rest[2..2 + bytes].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            at += bytes;
        }
        let inside = rest[at..at + length].to_vec();
        *rest = &rest[at + length..];
        inside
    }
    let sequence = element(&mut &der[..]);
    let mut rest = sequence.as_slice();
    [element(&mut rest), element(&mut rest)].map(|number| number.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn documents(provider: &str, key: &PrivateKey, sent: &Sent) -> BTreeMap<String, Vec<u8>> {
    let pem = key.public_pem().unwrap();
    let jwk = match key {
        PrivateKey::Rsa(_) => {
            let [n, e] = rsa_numbers(&key.public_raw()).map(|number| URL_SAFE_NO_PAD.encode(number));
            json!({ "kty": "RSA", "n": n, "e": e })
        }
        _ => {
            let point = key.public_raw();
            let [x, y] = [&point[1..33], &point[33..]].map(|number| URL_SAFE_NO_PAD.encode(number));
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "expired_at": null })
        }
    };
    let jwks = json!({ "keys": [jwk] }).to_string().into_bytes();
    let text = |name: &str| {
        let header = sent.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
    };
    let pairs: Vec<(String, Vec<u8>)> = match provider {
        "paypal" => vec![(text("paypal-cert-url").unwrap(), pem.into_bytes())],
        "amazon-sns" | "sns" => {
            let body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
            vec![(body["SigningCertURL"].as_str().unwrap().to_owned(), pem.into_bytes())]
        }
        "kinde" => vec![("https://example.kinde.com/.well-known/jwks".to_owned(), jwks)],
        "plaid" => {
            let url = "https://production.plaid.com/webhook_verification_key/get";
            vec![(url.to_owned(), json!({ "key": jwk }).to_string().into_bytes())]
        }
        "ebay" => {
            let key = format!(
                "https://api.ebay.com/commerce/notification/v1/public_key/{}",
                "9936261a-7d7b-4621-a0f1-96ccb428af49"
            );
            let token = json!({ "access_token": "t", "expires_in": 7200 }).to_string().into_bytes();
            let pem = pem.replace('\n', "");
            vec![
                ("https://api.ebay.com/identity/v1/oauth2/token".to_owned(), token),
                (key, json!({ "key": pem }).to_string().into_bytes()),
            ]
        }
        _ => vec![("https://auth.example.com/.well-known/jwks.json".to_owned(), jwks)],
    };
    pairs.into_iter().collect()
}

fn judged(recipe: &Recipe, party: &Party, sent: &Sent, now: u64) -> Judgement {
    let keyring = Keyring { now, body: sent.body.clone(), ..clone(&party.keyring) };
    let request = Request::new(sent, None, &party.settings);
    let options = Options { secret: "secret", public_urls: &[], legacy: true, window: None };
    signatures::judge(recipe, options, &request, &keyring).unwrap()
}

fn clone(keyring: &Keyring) -> Keyring {
    Keyring { secrets: keyring.secrets.clone(), documents: keyring.documents.clone(), ..Keyring::default() }
}

#[test]
fn what_is_signed_is_taken_and_nothing_else() {
    let (mut checked, mut problems) = (0, Vec::new());
    for provider in signatures::names() {
        let recipe = signatures::recipe(provider).unwrap();
        let habits = send::habits(provider).unwrap();
        assert!(!habits.events.is_empty(), "{provider} has no event");
        for (number, scheme) in recipe.schemes.iter().enumerate() {
            for event in &habits.events {
                match check(provider, &recipe, number, scheme, event) {
                    Ok(applied) => checked += usize::from(applied),
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} of {} are wrong:\n{}",
        problems.len(),
        problems.len() + checked,
        problems.join("\n")
    );
    assert!(checked > 250, "{checked} requests only");
}

/// False if this scheme is not for this sample.
fn check(provider: &str, recipe: &Recipe, number: usize, scheme: &Scheme, event: &str) -> Result<bool, String> {
    let what = format!("{provider}, scheme {number}, {event}");
    let mut sent = send::event(provider, Some(event), URL, NOW).unwrap();
    let private = send::private_key_for(scheme).map(Result::unwrap);
    let mut party = Party {
        secret: send::secret_for(scheme, "right"),
        private,
        settings: send::settings_for(recipe),
        keyring: Keyring::default(),
    };
    let signer = Signer { secret: &party.secret, private: party.private.as_ref(), settings: &party.settings, now: NOW };
    if let Err(problem) = send::sign(provider, number, &signer, &mut sent) {
        // A second scheme may be for other requests: a form's in a JSON body.
        ensure!(number > 0 || recipe.schemes.len() > 1, "{what}: {problem}");
        return Ok(false);
    }
    let mut value = party.secret.clone().into_bytes();
    if let Some(private) = &party.private {
        if scheme.keys.is_some() || scheme.code.is_some() {
            party.keyring.documents = documents(provider, private, &sent);
        }
        value = send::public_secret_for(scheme, private).unwrap().into_bytes();
    }
    party.keyring.secrets.insert("secret".to_owned(), vec![value]);
    let judgement = judged(recipe, &party, &sent, NOW);
    if !applies(scheme, &sent, &party) {
        return Ok(false);
    }
    ensure!(matches!(judgement, Judgement::Verified | Judgement::Authenticated), "{what}: {judgement:?}");
    // Another secret.
    if party.private.is_none() {
        let mut other = Party {
            keyring: clone(&party.keyring),
            settings: party.settings.clone(),
            private: None,
            secret: String::new(),
        };
        other.keyring.secrets.insert("secret".to_owned(), vec![send::secret_for(scheme, "wrong").into_bytes()]);
        let judgement = judged(recipe, &other, &sent, NOW);
        ensure!(matches!(judgement, Judgement::Failed(_)), "{what} with another secret: {judgement:?}");
    }
    // Another body, where the body is proved.
    if judgement == Judgement::Verified && scheme.code != Some(signatures::Code::Adyen) {
        let mut tampered = sent.clone();
        let middle = tampered.body.len() / 2;
        tampered.body[middle] ^= 1;
        let judgement = judged(recipe, &party, &tampered, NOW);
        ensure!(matches!(judgement, Judgement::Failed(_)), "{what} with another body: {judgement:?}");
    }
    if let Some(window) = scheme.window {
        for now in [NOW + (window + 2) * 1_000, NOW - (window + 2) * 1_000] {
            let judgement = judged(recipe, &party, &sent, now);
            ensure!(matches!(judgement, Judgement::Failed(_)), "{what} at another time: {judgement:?}");
        }
        ensure!(!matches!(judged(recipe, &party, &sent, NOW + (window - 2) * 1_000), Judgement::Failed(_)), "{what}");
    }
    Ok(true)
}

/// Whether it is this scheme that decides about the request: an earlier one may be meant for it.
fn applies(scheme: &Scheme, sent: &Sent, party: &Party) -> bool {
    let request = Request::new(sent, None, &party.settings);
    scheme.when.as_ref().is_none_or(|when| when.holds(&request))
}
