//! `/v1/projects/{project}/deliveries`: events on their way to destinations, and the dead letter.

use axum::{Json, extract::State};
use model::{
    Delivery, DeliveryId, Faults, Timestamp,
    delivery::{Status, Wanted},
    story::{DeliveryStory, Listed, Redriven},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    body::Written,
    events::{header, page, pair, read},
    place::{At, DeliveryAt, InProject},
    problem::Problem,
    terms::Asked,
};
use crate::control::Error;

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(redrive_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(retry_delivery))
        .routes(routes!(cancel_delivery))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Search {
    /// Only those of this event.
    event: Option<String>,
    /// Only those of this route.
    route: Option<String>,
    /// Only those that were written for this destination.
    destination: Option<String>,
    /// Only those that stand so; `dead` is the dead letter.
    status: Option<Status>,
    /// Written at or after, milliseconds since 1970-01-01T00:00:00Z.
    from: Option<u64>,
    /// Written before, milliseconds.
    until: Option<u64>,
    /// Only those of events with this label: `NAME:VALUE`.
    label: Option<String>,
    /// Only those of events that were received with this header: `name:value`, exactly.
    header: Option<String>,
    /// Only those before this delivery: the `next` of an earlier answer.
    before: Option<String>,
    /// At most so many; default 100, at most 1000.
    limit: Option<u32>,
}

/// Which deliveries are sent again, and how.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Redrive {
    /// Only this one.
    delivery: Option<String>,
    /// Only those of this event.
    event: Option<String>,
    /// Only those of this route.
    route: Option<String>,
    /// Only those that were written for this destination.
    destination: Option<String>,
    /// `dead` if left out.
    status: Option<Status>,
    /// Written at or after, milliseconds since 1970-01-01T00:00:00Z.
    from: Option<u64>,
    /// Written before, milliseconds.
    until: Option<u64>,
    /// Only those of events with this label: `NAME:VALUE`.
    label: Option<String>,
    /// Only those of events that were received with this header: `name:value`, exactly.
    header: Option<String>,
    /// At most so many a second, up to 1000; without it all become due at once.
    per_second: Option<u32>,
    /// Only tell how many there are.
    dry_run: bool,
}

fn wanted(search: &Search) -> Result<(Wanted, Option<DeliveryId>), Faults> {
    let mut faults = Faults::default();
    let wanted = Wanted {
        id: None,
        event: read(&mut faults, "event", search.event.as_deref()),
        route: read(&mut faults, "route", search.route.as_deref()),
        destination: read(&mut faults, "destination", search.destination.as_deref()),
        status: search.status,
        from: search.from.map(Timestamp::from_millis),
        until: search.until.map(Timestamp::from_millis),
        label: pair(&mut faults, "label", search.label.as_deref()),
        header: header(&mut faults, search.header.as_deref()),
    };
    let before = read(&mut faults, "before", search.before.as_deref());
    faults.or((wanted, before))
}

/// List deliveries, newest first
///
/// A page may be short and still have a `next`: only a bounded number of deliveries is looked at for each.
#[utoipa::path(
    get, path = "/v1/projects/{project}/deliveries", tag = "deliveries",
    params(InProject, Search),
    responses((status = OK, body = Listed<Delivery>)),
)]
async fn list_deliveries(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Asked(asked): Asked<Search>,
) -> Result<Json<Listed<Delivery>>, Problem> {
    let (wanted, before) = wanted(&asked).map_err(Error::from)?;
    Ok(Json(shared.control().deliveries(&at.project, &wanted, before, page(asked.limit)).await?))
}

/// Send deliveries of the dead letter again, or other decided ones
#[utoipa::path(
    post, path = "/v1/projects/{project}/deliveries/redrive", tag = "deliveries",
    params(InProject), request_body = Redrive,
    responses((status = OK, body = Redriven)),
)]
async fn redrive_deliveries(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Written(asked): Written<Redrive>,
) -> Result<Json<Redriven>, Problem> {
    let Redrive { delivery, event, route, destination, status, from, until, label, header, per_second, dry_run } =
        asked;
    let search = Search { event, route, destination, from, until, label, header, ..Search::default() };
    let (wanted, _) = wanted(&search).map_err(Error::from)?;
    let mut faults = Faults::default();
    let id = read(&mut faults, "delivery", delivery.as_deref());
    if per_second.is_some_and(|per_second| !(1..=1_000).contains(&per_second)) {
        faults.add("per_second", "is out of range: 1 to 1000");
    }
    faults.or(()).map_err(Error::from)?;
    let wanted = Wanted { id, status: Some(status.unwrap_or(Status::Dead)), ..wanted };
    Ok(Json(shared.control().redrive(&at.project, &wanted, per_second, dry_run).await?))
}

/// Show a delivery with its attempts
#[utoipa::path(
    get, path = "/v1/projects/{project}/deliveries/{delivery}", tag = "deliveries",
    params(DeliveryAt),
    responses((status = OK, body = DeliveryStory)),
)]
async fn get_delivery(State(shared): State<Shared>, At(at): At<DeliveryAt>) -> Result<Json<DeliveryStory>, Problem> {
    Ok(Json(shared.control().delivery(&at.project, at.delivery).await?))
}

/// Try a delivery now
///
/// Also one that is decided: its attempts are counted from 0 again.
#[utoipa::path(
    post, path = "/v1/projects/{project}/deliveries/{delivery}/retry", tag = "deliveries",
    params(DeliveryAt),
    responses((status = OK, body = DeliveryStory)),
)]
async fn retry_delivery(State(shared): State<Shared>, At(at): At<DeliveryAt>) -> Result<Json<DeliveryStory>, Problem> {
    Ok(Json(shared.control().retry_delivery(&at.project, at.delivery).await?))
}

/// Give a delivery up
///
/// Only one that waits; an attempt that is being made may still arrive.
#[utoipa::path(
    post, path = "/v1/projects/{project}/deliveries/{delivery}/cancel", tag = "deliveries",
    params(DeliveryAt),
    responses((status = OK, body = DeliveryStory), (status = CONFLICT, body = Problem, content_type = "application/problem+json")),
)]
async fn cancel_delivery(State(shared): State<Shared>, At(at): At<DeliveryAt>) -> Result<Json<DeliveryStory>, Problem> {
    Ok(Json(shared.control().cancel_delivery(&at.project, at.delivery).await?))
}
