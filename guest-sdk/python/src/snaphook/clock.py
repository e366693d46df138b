"""The time, coarse. The clocks of the standard library show the same in a component."""

from snaphook._host import host


def now_ms() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z. Stands still during one call, so that it measures nothing and a run can be
    repeated."""
    return host().now()
