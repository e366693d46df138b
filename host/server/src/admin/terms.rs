//! How a write is meant: for real or as a dry run, whatever is there or only if nothing changed since.

use axum::extract::{FromRequestParts, Query};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{IF_MATCH, IF_NONE_MATCH, USER_AGENT},
    request::Parts,
};
use model::{Faults, Name};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{Object, Type},
    },
};

use super::problem::Problem;
use crate::control::{Author, Error, Precondition};

/// A query whose every key is known: `?dryrun=true` must not be taken for the real thing.
pub(super) struct Asked<Q>(pub(super) Q);

impl<Q: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let asked = Query::from_request_parts(parts, state).await;
        let asked = asked.map_err(|refused| {
            let text = refused.body_text();
            let problem = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            Problem::faults(StatusCode::BAD_REQUEST, Faults::one("query", problem))
        })?;
        let Query(asked) = asked;
        Ok(Self(asked))
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DryRun {
    /// Check everything and keep nothing: the answer is what would be.
    #[param(default = false)]
    dry_run: bool,
}

/// The terms of a write to one thing.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) precondition: Precondition,
    conditional: bool,
    dry_run: bool,
    actor: Actor,
}

impl IntoParams for Terms {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let header = |name, description, example: &str| {
            let parameter =
                ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
            let parameter = parameter.schema(Some(Object::with_type(Type::String)));
            parameter.description(Some(description)).example(Some(example.into())).build()
        };
        let mut parameters = DryRun::into_params(place);
        parameters.push(header("If-Match", "The ETag of what is to be changed: 412 if it has changed since.", "\"7\""));
        parameters.push(header("If-None-Match", "`*`: 412 if it is there already.", "*"));
        parameters
    }
}

impl Terms {
    pub(super) fn author(&self, project: &Name) -> Author {
        self.actor.author(project, self.dry_run)
    }

    /// A conflict with what the caller demanded is told apart from one with what others did meanwhile.
    pub(super) fn settle<T>(&self, done: Result<T, Error>) -> Result<T, Problem> {
        done.map_err(|error| match error {
            Error::Conflict(detail) if self.conditional => Problem::new(StatusCode::PRECONDITION_FAILED, detail),
            other => other.into(),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Terms {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Asked(DryRun { dry_run }) = Asked::from_request_parts(parts, state).await?;
        let precondition = read(&parts.headers).map_err(|problem| Problem::new(StatusCode::BAD_REQUEST, problem))?;
        let conditional = precondition != Precondition::Any;
        Ok(Self { precondition, conditional, dry_run, actor: Actor::read(&parts.headers) })
    }
}

fn read(headers: &HeaderMap) -> Result<Precondition, String> {
    let one = |name: HeaderName| {
        let mut values = headers.get_all(&name).iter();
        let value = values.next().map(HeaderValue::as_bytes);
        if values.next().is_some() { Err(format!("`{name}` is there twice")) } else { Ok(value) }
    };
    match (one(IF_MATCH)?, one(IF_NONE_MATCH)?) {
        (None, None) => Ok(Precondition::Any),
        (None, Some(b"*")) => Ok(Precondition::Absent),
        (None, Some(_)) => Err("`If-None-Match` takes only `*`".to_owned()),
        (Some(_), Some(_)) => Err("`If-Match` and `If-None-Match` exclude each other".to_owned()),
        (Some(tag), None) => {
            let digits = tag.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
            let revision = digits.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
            let wrong = || "`If-Match` takes one ETag as it was answered, such as `\"7\"`".to_owned();
            revision.map(Precondition::Revision).ok_or_else(wrong)
        }
    }
}

/// Who asks, for the list of changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Actor(&'static str);

impl Actor {
    pub(super) fn author(self, project: &Name, dry_run: bool) -> Author {
        Author { project: project.clone(), actor: self.0.to_owned(), dry_run }
    }

    fn read(headers: &HeaderMap) -> Self {
        let cli = headers.get(USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"snaphook-cli"));
        Self(if cli { "cli" } else { "api" })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::read(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_are_read_strictly() {
        let read = |given: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            given.iter().for_each(|(name, value)| _ = headers.append(*name, value.parse().unwrap()));
            super::read(&headers)
        };
        assert_eq!(read(&[]), Ok(Precondition::Any));
        assert_eq!(read(&[("if-match", "\"12\"")]), Ok(Precondition::Revision(12)));
        assert_eq!(read(&[("if-none-match", "*")]), Ok(Precondition::Absent));
        for wrong in ["12", "*", "W/\"12\"", "\"x\"", "\"1\", \"2\"", "\""] {
            assert!(read(&[("if-match", wrong)]).unwrap_err().starts_with("`If-Match` takes one ETag"), "{wrong}");
        }
        assert!(read(&[("if-none-match", "\"1\"")]).is_err());
        assert!(read(&[("if-match", "\"1\""), ("if-match", "\"1\"")]).is_err());
        assert!(read(&[("if-match", "\"1\""), ("if-none-match", "*")]).is_err());
    }
}
