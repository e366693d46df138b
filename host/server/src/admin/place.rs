//! What a request's path names.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::{StatusCode, request::Parts};
use model::{DeliveryId, Digest, EventId, Faults, Name};

use super::problem::Problem;

/// A project.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct InProject {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
}

/// A thing of a project.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Named {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
    /// 1 to 63 of `a-z 0-9 - _ .`, the first a letter or digit.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$")]
    pub(super) name: Name,
}

/// A filter of a route.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilterOf {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
    /// The route's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$")]
    pub(super) name: Name,
    /// The filter's name on the route.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$")]
    pub(super) filter: Name,
}

/// A version of a module.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct VersionOf {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
    /// The module's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$")]
    pub(super) name: Name,
    /// A number; where something is read also an alias or `latest`.
    pub(super) version: String,
}

/// An alias of a module.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct AliasOf {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
    /// The module's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$")]
    pub(super) name: Name,
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "stable")]
    pub(super) alias: Name,
}

/// Something that is named by its SHA-256.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Digested {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
    /// `sha256:` and 64 hex digits.
    #[param(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(super) digest: Digest,
}

/// An event.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct EventAt {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
    /// `evt_` and 26 letters and digits.
    #[param(value_type = String)]
    pub(super) event: EventId,
}

/// A delivery.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct DeliveryAt {
    /// The project's name.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "default")]
    pub(super) project: Name,
    /// `dlv_` and 26 letters and digits.
    #[param(value_type = String)]
    pub(super) delivery: DeliveryId,
}

/// What may be the place of a request.
pub(super) trait Place: Sized {
    /// None if one of the names is none; the faults say which.
    fn read(segments: &mut Segments) -> Option<Self>;
}

impl Place for InProject {
    fn read(segments: &mut Segments) -> Option<Self> {
        Some(Self { project: segments.name("project")? })
    }
}

impl Place for Named {
    fn read(segments: &mut Segments) -> Option<Self> {
        let (project, name) = (segments.name("project"), segments.name("name"));
        Some(Self { project: project?, name: name? })
    }
}

impl Place for FilterOf {
    fn read(segments: &mut Segments) -> Option<Self> {
        let (project, name, filter) = (segments.name("project"), segments.name("name"), segments.name("filter"));
        Some(Self { project: project?, name: name?, filter: filter? })
    }
}

impl Place for VersionOf {
    fn read(segments: &mut Segments) -> Option<Self> {
        let (project, name) = (segments.name("project"), segments.name("name"));
        Some(Self { project: project?, name: name?, version: segments.text("version").to_owned() })
    }
}

impl Place for AliasOf {
    fn read(segments: &mut Segments) -> Option<Self> {
        let (project, name, alias) = (segments.name("project"), segments.name("name"), segments.name("alias"));
        Some(Self { project: project?, name: name?, alias: alias? })
    }
}

impl Place for Digested {
    fn read(segments: &mut Segments) -> Option<Self> {
        let (project, digest) = (segments.name("project"), segments.read("digest"));
        Some(Self { project: project?, digest: digest? })
    }
}

impl Place for EventAt {
    fn read(segments: &mut Segments) -> Option<Self> {
        let (project, event) = (segments.name("project"), segments.read("event"));
        Some(Self { project: project?, event: event? })
    }
}

impl Place for DeliveryAt {
    fn read(segments: &mut Segments) -> Option<Self> {
        let (project, delivery) = (segments.name("project"), segments.read("delivery"));
        Some(Self { project: project?, delivery: delivery? })
    }
}

/// The parameters of a path, decoded.
pub(super) struct Segments {
    params: RawPathParams,
    faults: Faults,
}

impl Segments {
    fn text(&self, key: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == key).map_or("", |(_, text)| text)
    }

    fn name(&mut self, key: &str) -> Option<Name> {
        self.read(key)
    }

    fn read<T: FromStr<Err = String>>(&mut self, key: &str) -> Option<T> {
        let read = self.text(key).parse().map_err(|problem: String| Faults::one("", problem));
        self.faults.keep(key, read)
    }
}

/// The place of a request, read.
pub(super) struct At<P>(pub(super) P);

impl<P: Place, S: Send + Sync> FromRequestParts<S> for At<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|refused| Problem::new(StatusCode::BAD_REQUEST, refused.body_text()))?;
        let mut segments = Segments { params, faults: Faults::default() };
        P::read(&mut segments)
            .map(Self)
            .ok_or_else(|| Problem::faults(StatusCode::UNPROCESSABLE_ENTITY, segments.faults))
    }
}
