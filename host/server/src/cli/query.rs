//! What listings are asked for, and how their pages are gathered.

use std::time::Duration;

use model::{EventId, Name, record::Disposition};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::{Global, client::Client, failure::Failure, story};

/// The most that the host puts into one answer.
const PAGE_MOST: u32 = 1_000;

/// Which events.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Events {
    /// Only those of this route.
    #[arg(long)]
    pub(crate) route: Option<Name>,
    /// Only those that became this: forwarded, accepted, rejected, dropped, responded, failed.
    #[arg(long, value_name = "DISPOSITION", value_parser = disposition)]
    pub(crate) became: Option<Disposition>,
    /// Only those with this label: NAME:VALUE.
    #[arg(long, value_name = "NAME:VALUE", value_parser = pair)]
    pub(crate) label: Option<String>,
    /// Only those with this header as it was received: NAME:VALUE.
    #[arg(long, value_name = "NAME:VALUE", value_parser = pair)]
    pub(crate) header: Option<String>,
    /// Only those with a delivery to this destination.
    #[arg(long)]
    pub(crate) destination: Option<Name>,
    /// Only those with a delivery that stands so: waiting, delivered, dead, cancelled.
    #[arg(long, value_parser = status)]
    pub(crate) status: Option<String>,
    #[command(flatten)]
    pub(crate) time: Time,
}

/// Which deliveries.
#[derive(Debug, clap::Args)]
pub(crate) struct Deliveries {
    /// Only those of this event.
    #[arg(long)]
    pub(crate) event: Option<EventId>,
    /// Only those of this route.
    #[arg(long)]
    pub(crate) route: Option<Name>,
    /// Only those that were written for this destination.
    #[arg(long)]
    pub(crate) destination: Option<Name>,
    /// Only those of events with this label: NAME:VALUE.
    #[arg(long, value_name = "NAME:VALUE", value_parser = pair)]
    pub(crate) label: Option<String>,
    /// Only those of events that were received with this header: NAME:VALUE.
    #[arg(long, value_name = "NAME:VALUE", value_parser = pair)]
    pub(crate) header: Option<String>,
    #[command(flatten)]
    pub(crate) time: Time,
}

impl Deliveries {
    pub(crate) fn query(&self, status: Option<&str>) -> Query {
        Query::default()
            .with("event", self.event)
            .with("route", self.route.as_ref())
            .with("destination", self.destination.as_ref())
            .with("status", status)
            .with("label", self.label.as_ref())
            .with("header", self.header.as_ref())
            .with("from", self.time.since)
            .with("until", self.time.until)
    }

    pub(crate) async fn list(&self, global: &Global, status: Option<&str>, limit: u32) -> Result<(), Failure> {
        let items = gather(&global.client()?, "/deliveries", self.query(status), limit).await?;
        global.list(items, |deliveries: Vec<model::Delivery>| {
            let lines: String = deliveries.iter().map(|known| format!("{}\n", story::delivery(known))).collect();
            format!("{}\n{lines}", story::delivery_heading())
        })
    }
}

/// From when to when.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Time {
    /// Not older than: 30m, 2h, 7d, or a time such as 2026-11-26T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<u64>,
    /// Older than: 30m, 2h, 7d, or a time such as 2026-11-26T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<u64>,
}

/// What stands behind the question mark.
#[derive(Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn with(mut self, key: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            let value = value.to_string();
            let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
            let separator = if self.0.is_empty() { '?' } else { '&' };
            self.0.extend([format!("{separator}{key}={value}")]);
        }
        self
    }
}

impl Events {
    pub(crate) fn query(&self) -> Query {
        Query::default()
            .with("route", self.route.as_ref())
            .with("disposition", self.became.map(Disposition::name))
            .with("label", self.label.as_ref())
            .with("header", self.header.as_ref())
            .with("destination", self.destination.as_ref())
            .with("status", self.status.as_ref())
            .with("from", self.time.since)
            .with("until", self.time.until)
    }

    /// The same as a document.
    pub(crate) fn document(&self) -> Value {
        let mut document = serde_json::json!({
            "route": self.route,
            "disposition": self.became,
            "label": self.label,
            "header": self.header,
            "destination": self.destination,
            "status": self.status,
            "from": self.time.since,
            "until": self.time.until,
        });
        document.as_object_mut().expect("is one").retain(|_, value| !value.is_null());
        document
    }
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Value>,
    next: Option<String>,
}

/// So many entries of a listing, over as many pages as it takes.
pub(crate) async fn gather(client: &Client, path: &str, query: Query, limit: u32) -> Result<Vec<Value>, Failure> {
    let (mut entries, mut before) = (Vec::new(), None);
    loop {
        let missing = limit.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            return Ok(entries);
        }
        let asked = Query(query.0.clone()).with("limit", Some(missing.min(PAGE_MOST))).with("before", before.as_ref());
        let page: Page = client.get(&format!("{path}{}", asked.0)).await?.read()?;
        entries.extend(page.items);
        match page.next {
            Some(next) => before = Some(next),
            None => return Ok(entries),
        }
    }
}

fn disposition(text: &str) -> Result<Disposition, String> {
    serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())
}

pub(crate) fn status(text: &str) -> Result<String, String> {
    let status: model::delivery::Status =
        serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())?;
    Ok(status.name().to_owned())
}

fn pair(text: &str) -> Result<String, String> {
    match text.contains(':') {
        true => Ok(text.to_owned()),
        false => Err("write NAME:VALUE".to_owned()),
    }
}

/// Milliseconds since 1970: so long ago, or a time.
fn time(text: &str) -> Result<u64, String> {
    if let Some(ago) = ago(text) {
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        return Ok(model::Timestamp::now().as_millis().saturating_sub(ago));
    }
    let time: jiff::Timestamp =
        text.parse().map_err(|_| "write 30m, 2h, 7d or a time such as 2026-11-26T10:00:00Z".to_owned())?;
    u64::try_from(time.as_millisecond()).map_err(|_| "is before 1970".to_owned())
}

fn ago(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(number.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(1_000));
        let hour_ago = model::Timestamp::now().as_millis() - 3_600_000;
        assert!(time("1h").unwrap().abs_diff(hour_ago) < 60_000);
        assert_eq!(ago("7d"), Some(Duration::from_hours(168)));
        for wrong in ["", "h", "1w", "x", "-1h", "1969-01-01T00:00:00Z", "é"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_encoded() {
        let query =
            Query::default().with("label", Some("a:b c&d")).with("route", None::<String>).with("limit", Some(5));
        assert_eq!(query.0, "?label=a%3Ab%20c%26d&limit=5");
    }
}
