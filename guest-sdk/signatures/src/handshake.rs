//! Requests that are no events: a provider asks whether the receiver is there, and is answered at once.

use crate::{
    judge::{Crypto, Judgement, Key, Options, Trouble, judge},
    recipe::{Handshake, Mac, Recipe},
    request::Request,
    signature::encode,
    value::{Beside, Piece, Source},
};

/// What the provider is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// For the operator: a value that is to be stored as a secret.
    pub show: Option<String>,
}

/// What a handshake comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shaken {
    Answered(Answer),
    /// It is one, and is refused for this reason.
    Refused(String),
}

/// None if the request is no handshake of this provider.
pub fn shake(
    recipe: &Recipe,
    options: Options<'_>,
    request: &Request<'_>,
    crypto: &dyn Crypto,
) -> Result<Option<Shaken>, String> {
    let Some(handshake) = recipe.handshakes.iter().find(|known| known.when.iter().all(|test| test.0.holds(request)))
    else {
        return Ok(None);
    };
    if handshake.signed {
        match judge(recipe, options, request, crypto)? {
            Judgement::Failed(cause) => return Ok(Some(Shaken::Refused(cause.to_string()))),
            Judgement::Verified | Judgement::Authenticated => {}
        }
    }
    let answered = answer(handshake, options, request, crypto);
    match answered {
        Ok(shaken) => Ok(Some(shaken)),
        Err(Trouble::Denied(what)) => Err(what),
        Err(Trouble::Invalid(what) | Trouble::Unavailable(what)) => Ok(Some(Shaken::Refused(what))),
    }
}

fn answer(
    handshake: &Handshake,
    options: Options<'_>,
    request: &Request<'_>,
    crypto: &dyn Crypto,
) -> Result<Shaken, Trouble> {
    let url = options.public_urls.first().map(String::as_str);
    let request = &request.under(url);
    if let Some(token) = &handshake.token {
        let given = token.is.find(request).unwrap_or_default();
        let name = if token.secret == "secret" { options.secret } else { &token.secret };
        if !crypto.token_equal(name, &given)? {
            return Ok(Shaken::Refused(format!("{} is not the secret {}", token.is, token.secret)));
        }
    }
    if let Some(allowed) = &handshake.allowed {
        let given = allowed.is.text(request).unwrap_or_default();
        let wanted = request.settings().get(&allowed.setting).map_or("", String::as_str);
        if !given.eq_ignore_ascii_case(wanted) {
            let problem = format!("{} is `{given}`; the setting {} says `{wanted}`", allowed.is, allowed.setting);
            return Ok(Shaken::Refused(problem));
        }
    }
    let mac = match &handshake.mac {
        Some(mac) => match sign(mac, options, request, crypto)? {
            Ok(mac) => Some(mac),
            Err(problem) => return Ok(Shaken::Refused(problem)),
        },
        None => None,
    };
    let beside = Beside { mac: mac.as_deref(), ..Beside::default() };
    let mut headers = vec![("content-type".to_owned(), handshake.kind.clone().into_bytes())];
    headers.extend(handshake.headers.iter().map(|(name, value)| (name.clone(), value.text(request, beside))));
    // Echoed text must not become a page.
    headers.push(("x-content-type-options".to_owned(), b"nosniff".to_vec()));
    let body = handshake.answer.as_ref().map_or_else(Vec::new, |answer| answer.text(request, beside));
    let show = handshake.show.as_ref().and_then(|value| value.text(request));
    Ok(Shaken::Answered(Answer { status: handshake.status, headers, body, show }))
}

/// Characters of a challenge at most.
const CHALLENGE_MOST: usize = 128;

/// The key is often that of the events, and anybody may ask for this: only a short token that cannot be the body of an event
/// is signed.
fn sign(
    mac: &Mac,
    options: Options<'_>,
    request: &Request<'_>,
    crypto: &dyn Crypto,
) -> Result<Result<String, String>, Trouble> {
    for piece in &mac.message.0 {
        let Piece::Value(value, _) = piece else { continue };
        let asked = value.0.iter().any(|source| {
            matches!(source, Source::Query(_) | Source::Json(_) | Source::Form(_) | Source::Header(_) | Source::Body)
        });
        let found = value.find(request).unwrap_or_default();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.~=+/-".contains(byte);
        if asked && (found.is_empty() || found.len() > CHALLENGE_MOST || !found.iter().all(plain)) {
            return Ok(Err(format!("{value} is not a plain token of at most {CHALLENGE_MOST} characters")));
        }
    }
    let secret = mac.secret.as_deref().unwrap_or(options.secret);
    let key = Key { secret, prefix: "", form: mac.key };
    let parts = mac.message.render(request, Beside::default());
    Ok(Ok(encode(mac.encoding, &crypto.mac_sign(key, mac.algorithm, &parts)?)))
}
