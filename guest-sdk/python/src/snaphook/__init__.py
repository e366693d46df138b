"""Write Snaphook filters in Python: a filter sees one webhook event and says what becomes of it.

    from snaphook import Event, Filter, Verdict, or_refuse

    class Hello(Filter[None], body="none"):
        def handle(self, event: Event, config: None) -> Verdict:
            token = or_refuse(event.header("x-token"), 401, "no token")
            return Verdict.edit().set_header("x-hello", token)

`snaphook-py build` makes the component; `python -m unittest` runs the filter's tests on your own machine, with
`snaphook.testing` in the place of the host.

to look at the event:        `Event`, `Body`, `headers`, `json`
to decide:                   `Verdict`, `Refusal`, `or_refuse`, `Failure`
to check where it comes from: `verify`, `hmac`, `crypto`, `keys`
to remember:                 `kv`, `Event.set_label`
to be configured:            `Filter`, `ConfigError`, `config`
to test:                     `snaphook.testing`
"""

from snaphook import clock, config, crypto, edits, headers, hmac, json, keys, kv, log, random, secrets, verify
from snaphook.body import Body
from snaphook.errors import CallError, ConfigError, Failure, Refusal, or_refuse
from snaphook.event import Destination, Event, Phase, Route
from snaphook.filter import Filter
from snaphook.kv import Reservation
from snaphook.verdict import Response, Verdict

__version__ = "0.1.0"

__all__ = [
    "Body",
    "CallError",
    "ConfigError",
    "Destination",
    "Event",
    "Failure",
    "Filter",
    "Phase",
    "Refusal",
    "Reservation",
    "Response",
    "Route",
    "Verdict",
    "clock",
    "config",
    "crypto",
    "edits",
    "headers",
    "hmac",
    "json",
    "keys",
    "kv",
    "log",
    "or_refuse",
    "random",
    "secrets",
    "verify",
]
