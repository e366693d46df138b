"""Filters tested on the author's own machine, with `python -m unittest` or pytest, and no host.

    class Guard(Filter[None], secrets=["webhook"]):
        def handle(self, event: Event, config: None) -> Verdict:
            verify.github(event, "webhook")
            return Verdict.edit().set_header("x-verified", "1")

    test = Test(Guard, secrets={"webhook": "It's a Secret to Everybody"})

    outcome = test.run(Sample(body="Hello, World!", signed="webhook"))
    assert outcome.event.header("x-verified") == "1"

    outcome = test.run(Sample(headers={"x-hub-signature-256": "sha256=00"}))
    assert (outcome.status, outcome.reason) == (401, "header x-hub-signature-256 is malformed")

What a filter is granted is what its class asks for: a secret or namespace that is missing there is denied here too. Limits
of time, memory, log and number of calls are the host's alone.
"""

from snaphook.testing.attachment import Test
from snaphook.testing.outcome import Outcome, Sent
from snaphook.testing.sample import Sample

__all__ = ["Outcome", "Sample", "Sent", "Test"]
