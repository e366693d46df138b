//! The request whose signature is checked.

use std::{borrow::Cow, cell::OnceCell, collections::BTreeMap, fmt, io::Read as _};

use crate::value::Source;

/// A request as it came in, wherever it lies.
pub trait Incoming {
    fn method(&self) -> &str;
    /// `http` or `https`.
    fn scheme(&self) -> &str;
    /// Host, and port if there is one.
    fn authority(&self) -> &str;
    /// Begins with `/`, as it came.
    fn path(&self) -> &str;
    /// Without the `?`.
    fn query(&self) -> Option<&str>;
    /// Every value of a header, by its name in lower case.
    fn header(&self, name: &str) -> Vec<&[u8]>;
    /// The body, whole and as it was received.
    fn body(&self) -> Vec<u8>;
    /// The string at a JSON pointer, or the number, `true` or `false` there as text.
    fn json(&self, pointer: &str) -> Option<String>;
    /// `sha1`, `sha256` or `sha512` of the body.
    fn digest(&self, algorithm: &str) -> Option<Vec<u8>>;
}

/// A request, the URL under which its sender knows the receiver, and the settings that recipes read.
pub struct Request<'a> {
    incoming: &'a dyn Incoming,
    /// Scheme and host, perhaps with a path, perhaps with a query: what it lacks is the request's own.
    public_url: Option<&'a str>,
    settings: &'a BTreeMap<String, String>,
    body: OnceCell<Vec<u8>>,
    form: OnceCell<Vec<(String, String)>>,
    query: OnceCell<Vec<(String, String)>>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Request({} {})", self.incoming.method(), self.url())
    }
}

impl<'a> Request<'a> {
    pub fn new(
        incoming: &'a dyn Incoming,
        public_url: Option<&'a str>,
        settings: &'a BTreeMap<String, String>,
    ) -> Self {
        let (body, form, query) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { incoming, public_url, settings, body, form, query }
    }

    /// The same request, known under another URL.
    pub(crate) fn under<'b>(&self, public_url: Option<&'b str>) -> Request<'b>
    where
        'a: 'b,
    {
        Request::new(self.incoming, public_url, self.settings)
    }

    pub fn incoming(&self) -> &'a dyn Incoming {
        self.incoming
    }

    pub fn find(&self, source: &Source) -> Option<Cow<'_, [u8]>> {
        let text = |text: &'a str| Cow::Borrowed(text.as_bytes());
        let owned = |text: String| Some(Cow::Owned(text.into_bytes()));
        match source {
            Source::Header(name) => self.header(name).map(Cow::Borrowed),
            Source::Query(name) => first(self.query_pairs(), name).map(|value| Cow::Borrowed(value.as_bytes())),
            Source::Form(name) => first(self.form(), name).map(|value| Cow::Borrowed(value.as_bytes())),
            Source::Json(pointer) => self.incoming.json(pointer).and_then(owned),
            Source::HeaderOfSetting(name) => {
                let header = self.settings.get(name)?.to_ascii_lowercase();
                self.header(&header).map(Cow::Borrowed)
            }
            Source::Claim(pointer) => crate::jwt::claim(self.body(), pointer).and_then(owned),
            Source::Setting(name) => self.settings.get(name).map(|value| Cow::Borrowed(value.as_bytes())),
            Source::Method => Some(text(self.incoming.method())),
            Source::Url => owned(self.url()),
            Source::UrlWithoutQuery => owned(self.url().split('?').next().unwrap_or_default().to_owned()),
            Source::Path => owned(self.path().to_owned()),
            Source::WholeQuery => self.incoming.query().map(text),
            Source::Host => owned(self.host().to_owned()),
            Source::Body => Some(Cow::Borrowed(self.body())),
        }
    }

    /// The query without the parameters of these names; the others stay as they are written.
    pub fn query_without(&self, names: &[&str]) -> Option<String> {
        let stays = |pair: &&str| {
            let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
            !name.is_some_and(|name| names.contains(&&*name))
        };
        let kept: Vec<&str> = self.incoming.query()?.split('&').filter(stays).collect();
        (!kept.is_empty()).then(|| kept.join("&"))
    }

    /// The first value, by the name in lower case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.incoming.header(name).first().copied()
    }

    /// As its sender knows it, with the query.
    pub fn url(&self) -> String {
        let mut url = match self.public_url {
            Some(public) => {
                let mut url = public.to_owned();
                if after_origin(public).is_empty() {
                    url.push_str(self.incoming.path());
                }
                url
            }
            None => [self.incoming.scheme(), "://", self.incoming.authority(), self.incoming.path()].concat(),
        };
        // One that has a query is meant as it is.
        if !url.contains('?')
            && let Some(query) = self.incoming.query()
        {
            url.push('?');
            url.push_str(query);
        }
        url
    }

    /// As its sender knows it, without the query.
    pub fn path(&self) -> &'a str {
        let public = self.public_url.map_or("", after_origin).split('?').next().unwrap_or_default();
        if public.is_empty() { self.incoming.path() } else { public }
    }

    fn host(&self) -> &'a str {
        let Some(public) = self.public_url else { return self.incoming.authority() };
        let rest = public.split_once("://").map_or(public, |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    pub fn body(&self) -> &[u8] {
        self.body.get_or_init(|| self.incoming.body())
    }

    pub fn sha256_of_body(&self) -> Option<Vec<u8>> {
        self.incoming.digest("sha256")
    }

    /// Without its content encoding; none if it has one that is not known, or is more than it may be.
    pub(crate) fn body_decoded(&self) -> Option<Vec<u8>> {
        const MOST: u64 = 16 << 20;
        let mut decoded = Vec::new();
        let read = match self.header("content-encoding").unwrap_or_default() {
            b"" | b"identity" => return Some(self.body().to_vec()),
            b"gzip" => flate2::read::GzDecoder::new(self.body()).take(MOST).read_to_end(&mut decoded),
            b"deflate" => flate2::read::ZlibDecoder::new(self.body()).take(MOST).read_to_end(&mut decoded),
            _ => return None,
        };
        read.ok().filter(|_| (decoded.len() as u64) < MOST).map(|_| decoded)
    }

    pub fn settings(&self) -> &'a BTreeMap<String, String> {
        self.settings
    }

    pub fn query_pairs(&self) -> &[(String, String)] {
        self.query.get_or_init(|| pairs(self.incoming.query().unwrap_or_default().as_bytes()))
    }

    /// The body's fields, if it says that it is a form.
    pub fn form(&self) -> &[(String, String)] {
        self.form.get_or_init(|| {
            let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
            if !kind.starts_with(b"application/x-www-form-urlencoded") {
                return Vec::new();
            }
            pairs(self.body())
        })
    }

    /// Form fields sorted by name, then value, each different one once; names and values glued.
    pub(crate) fn sorted_form(&self) -> Vec<u8> {
        let mut fields: Vec<&(String, String)> = self.form().iter().collect();
        fields.sort();
        fields.dedup();
        fields.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).flatten().copied().collect()
    }
}

/// Path and query of a URL.
fn after_origin(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?']).map_or("", |at| &rest[at..])
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn first<'b>(pairs: &'b [(String, String)], name: &str) -> Option<&'b str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_origin() {
        for (url, after) in [
            ("https://a.example", ""),
            ("https://a.example/", "/"),
            ("https://a.example:8443/hooks?x=1", "/hooks?x=1"),
            ("https://a.example?x=1", "?x=1"),
        ] {
            assert_eq!(after_origin(url), after);
        }
    }
}
