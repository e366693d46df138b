"""A filter on its route."""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snaphook import _host, _wire, filter
from snaphook._host import put
from snaphook.body import Body
from snaphook.errors import Failure
from snaphook.event import Destination, Event, Phase, Route
from snaphook.filter import Filter
from snaphook.testing import apply, fake
from snaphook.testing.outcome import Outcome, Sent
from snaphook.testing.sample import Sample
from snaphook.verdict import Drop, Edit, Pass, Verdict


@dataclass(slots=True)
class _Head:
    """The event as the filter is given it."""

    event: str
    project: str
    route: str
    method: str
    scheme: str
    authority: str
    path: str
    query: str | None
    headers: list[_wire.Header]
    source: str
    received: int
    attempt: int
    replay: bool
    body_length: int | None
    attributes: list[tuple[str, str]]


class Test:
    """A filter on its route. What `kv` holds stays from one `run` to the next, and so does what the filter keeps in memory,
    as on a warm instance."""

    # The name begins like one of pytest's own.
    __test__ = False

    def __init__(
        self,
        filter_class: type[Filter[Any]],
        *,
        config: Any = None,
        config_text: str | None = None,
        secrets: Mapping[str, _wire.Text | Sequence[_wire.Text]] | None = None,
        reveal: Mapping[str, _wire.Text] | None = None,
        documents: Mapping[str, _wire.Text] | None = None,
        verifier: fake.Verifier | None = None,
        destinations: Sequence[str] = (),
        clock_ms: int = 1_790_000_000_000,
    ) -> None:
        """`config` is what JSON writes, `config_text` the JSON as it stands in a file; `{}` without both. A secret is its
        value, or several valid ones, the newest first. `documents` are what is at URLs from which keys are fetched; every
        other URL is denied. `verifier` checks public-key signatures: a function of algorithm, key, message and signature, of
        a library of yours, that raises a `ValueError` if the key is none for the algorithm. Choosing another destination
        than these is bad output; without them every name is right.

        Raises:
            ValueError: if the filter's class does not ask for one of the secrets or URLs, or the file that it names as
                `config_schema` is not JSON.
        """
        asked = filter_class.manifest
        for name in secrets or {}:
            if name not in asked.secrets + asked.optional_secrets:
                raise ValueError(f"{filter_class.__name__} does not ask for secret `{name}`")
        for name in reveal or {}:
            if name not in asked.reveal:
                raise ValueError(f"{filter_class.__name__} does not ask to reveal secret `{name}`")
        for url in documents or {}:
            if not any(_begins_so(url, beginning) for beginning in asked.keys):
                raise ValueError(f"{filter_class.__name__} does not ask for keys from `{url}`, or a beginning of it")
        if asked.config_schema is not None:
            json.loads(schema_path(filter_class).read_text(encoding="utf-8"))
        self._filter = filter_class()
        self._needs_body = asked.body == "buffered"
        self._host = fake.Host(
            config=config_text if config_text is not None else json.dumps({} if config is None else config),
            clock=clock_ms,
            secrets={name: _values(value) for name, value in (secrets or {}).items()},
            revealed={name: _wire.octets(value, "a secret") for name, value in (reveal or {}).items()},
            documents={url: _wire.octets(document, "a document") for url, document in (documents or {}).items()},
            verifier=verifier,
            namespaces=frozenset(asked.kv + asked.optional_kv),
        )
        self._destinations = destinations
        self.destinations_refuse = False
        """From now on destinations refuse what they get: nothing is accepted, and keys reserved with `once` are
        released."""

    @property
    def clock_ms(self) -> int:
        """The time, milliseconds since 1970-01-01T00:00:00Z. Set it to let time pass."""
        return self._host.clock

    @clock_ms.setter
    def clock_ms(self, now: int) -> None:
        self._host.clock = now

    def reserve(self, namespace: str, key: str) -> None:
        """Another event, not decided yet, holds this key."""
        self._host.held.add((namespace, key))

    def configure(self) -> bytes:
        """What is kept of the configuration.

        Raises:
            ConfigError: what the operator is told, if the filter refuses it.
            Failure: if the filter failed to check it.
        """
        self._host.configuring = True
        put(self._host)
        try:
            return filter.configure(self._filter, self._host.config)
        finally:
            put(None)
            self._host.configuring = False

    def run(self, sample: Sample | None = None) -> Outcome:
        """Configures the filter, hands it the event, and applies its verdict as the host does.

        Raises:
            ConfigError: if the filter refuses its configuration.
            ValueError: if the event is to be signed with a secret that is not there.
        """
        sample = Sample() if sample is None else sample
        if sample.received_ms is not None:
            self._host.clock = sample.received_ms
        self._host.prepared = self.configure()
        self._host.said = said = fake.Said()
        head, body = self._head(sample), sample.octets()
        self._host.headers = head.headers
        phase: Phase = Route() if sample.destination is None else Destination(sample.destination)
        verdict, failure = self._judged(head, phase, sample, body)
        sent = None
        if verdict is not None:
            whole = Sent(head.method, head.path, head.query, head.headers, body, None)
            try:
                sent = apply.applied(verdict, whole, phase, self._destinations)
            except apply.BadOutput as error:
                verdict, failure = None, str(error)
        goes_on = isinstance(verdict, Pass | Edit) and not self.destinations_refuse
        if goes_on or isinstance(verdict, Drop):
            self._host.known.update(said.reserved)
        return Outcome(
            verdict=verdict,
            failure=failure,
            sent=sent,
            labels=said.labels,
            idempotency_key=said.idempotency_key,
            order_key=said.order_key,
            deliver_after=said.deliver_after,
            answer=said.answer,
            logs=said.logs,
            denied=said.denied,
        )

    def _judged(self, head: _host.Head, phase: Phase, sample: Sample, body: bytes) -> tuple[Verdict | None, str]:
        seen = body if self._needs_body else b""
        received = seen
        if self._needs_body and sample.original_body is not None:
            received = _wire.octets(sample.original_body, "the body")
        lent = Body(fake.Body(seen, received, self._host))
        put(self._host)
        try:
            config = filter.restore(self._filter, self._host.prepared)
            return filter.handle(self._filter, Event(head, phase, lent), config), ""
        except Failure as failure:
            return None, str(failure)
        finally:
            put(None)
            lent._end()

    def _head(self, sample: Sample) -> _Head:
        headers = sample.with_headers()
        if sample.signed is not None:
            if sample.signed not in self._host.secrets:
                raise ValueError(f"secret `{sample.signed}` has no value")
            signature = fake.mac("hmac-sha256", self._host.secrets[sample.signed][0], sample.octets())
            headers = [header for header in headers if header[0] != "x-hub-signature-256"]
            headers.append(("x-hub-signature-256", f"sha256={signature.hex()}".encode()))
        path, question, query = sample.path.partition("?")
        attributes = [(f"path.{name}", value) for name, value in sample.path_params.items()]
        attributes += [(f"label.{name}", value) for name, value in sample.labels.items()]
        return _Head(
            event="evt_01KB4QJ0000000000000000000",
            project="default",
            route="test",
            method=sample.method,
            scheme="https",
            authority=sample.authority,
            path=path,
            query=query if question else None,
            headers=headers,
            source=sample.source,
            received=self._host.clock,
            attempt=0 if sample.destination is None else sample.attempt,
            replay=sample.replay,
            body_length=len(sample.octets()) if self._needs_body else None,
            attributes=attributes,
        )


def schema_path(filter_class: type[Filter[Any]]) -> Path:
    """Where the filter's `config_schema` is: beside the file that its class stands in."""
    return Path(inspect.getfile(filter_class)).parent / str(filter_class.manifest.config_schema)


def _begins_so(url: str, beginning: str) -> bool:
    """`*` stands for one label of the host."""
    exact = re.escape(beginning).replace(re.escape("*"), "[A-Za-z0-9-]+")
    return re.match(exact, url) is not None


def _values(value: _wire.Text | Sequence[_wire.Text]) -> list[bytes]:
    if isinstance(value, str | bytes):
        return [_wire.octets(value, "a secret")]
    return [_wire.octets(each, "a secret") for each in value]
