"""Keeps what is not urgent until somebody is there: from Monday to Friday, between two hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from snaphook import ConfigError, Event, Filter, Verdict


@dataclass
class Config:
    opens: int
    """The first hour."""
    closes: int
    """The hour after the last."""
    utc_offset: int = 0
    """Hours east of Greenwich. A filter has no table of time zones: summer time is yours to set."""
    urgent: str | None = None
    """A pointer into the body: what is `true` there is delivered at any time."""


class BusinessHours(Filter[Config]):
    def handle(self, event: Event, config: Config) -> Verdict:
        if config.urgent is not None and event.body.pointer(config.urgent) == "true":
            return Verdict.pass_()
        now = datetime.fromtimestamp(event.received_ms / 1000, timezone(timedelta(hours=config.utc_offset)))
        then = next_open(now, config)
        if then > now:
            event.set_deliver_after(int(then.timestamp() * 1000))
        return Verdict.pass_()

    def validate(self, config: Config) -> None:
        if not 0 <= config.opens < config.closes <= 24:
            raise ConfigError(f"opens: {config.opens} must be before {config.closes}, and both from 0 to 24")
        if not -12 <= config.utc_offset <= 14:
            raise ConfigError(f"utc_offset: {config.utc_offset} is not from -12 to 14")


def next_open(now: datetime, config: Config) -> datetime:
    """Now, if it is open."""
    opens = now.replace(hour=config.opens, minute=0, second=0, microsecond=0)
    if now.hour >= config.closes:
        opens += timedelta(days=1)
    while opens.weekday() > 4:
        opens += timedelta(days=1)
    return max(now, opens)
