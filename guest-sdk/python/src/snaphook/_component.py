"""The host's imports and the exports it calls, in a component. Imported only where one is built."""

import gc
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from componentize_py_types import Err
from wit_world.imports import body as bodies
from wit_world.imports import clock, crypto, event, keys, kv, secrets, types
from wit_world.imports import config as configuration
from wit_world.imports import log as lines
from wit_world.imports import random as numbers

from snaphook import _host, edits, errors, filter, verdict
from snaphook._wire import Header
from snaphook.body import Body
from snaphook.event import Destination, Event, Phase, Route

# Calls of Python inside of each other. With some 600 the traceback of an exception takes, when it is dropped, all of the
# machine's stack that the host gives a call; Python does not know of that border, and past it the instance is lost.
RECURSION_MOST = 400

_ERRORS: dict[type[Any], type[errors.CallError]] = {
    types.CallError_Denied: errors.Denied,
    types.CallError_Invalid: errors.Invalid,
    types.CallError_Limit: errors.Limit,
    types.CallError_Unavailable: errors.Unavailable,
    types.CallError_Other: errors.Other,
}


def _failed(error: Err[Any]) -> NoReturn:
    """Raises what a call of the host returned as its error."""
    raise _ERRORS[type(error.value)](error.value.value) from None


class _Body:
    """A handle to a body: lent for the call, or the filter's own."""

    __slots__ = ("raw",)

    def __init__(self, raw: bodies.Body) -> None:
        self.raw = raw

    def len(self) -> int:
        return self.raw.len()

    def read(self, offset: int, max: int) -> bytes:
        return self.raw.read(offset, max)

    def read_all(self) -> bytes:
        return self.raw.read_all()

    def digest(self, algorithm: str) -> bytes:
        try:
            return self.raw.digest(algorithm)
        except Err as error:
            _failed(error)

    def mac_verify(self, secret: str, algorithm: str, signature: bytes) -> bool:
        try:
            return self.raw.mac_verify(secret, algorithm, signature)
        except Err as error:
            _failed(error)

    def json(self, pointer: str) -> str | None:
        try:
            return self.raw.json(pointer)
        except Err as error:
            _failed(error)

    def json_each(self, pointers: list[str]) -> list[str | None]:
        try:
            return self.raw.json_each(pointers)
        except Err as error:
            _failed(error)

    def text(self, pointer: str) -> str | None:
        try:
            return self.raw.text(pointer)
        except Err as error:
            _failed(error)

    def original(self) -> "_Body":
        return _Body(self.raw.original())


class _Component:
    """The host as a component sees it."""

    def log(self, level: str, message: str) -> None:
        lines.log(_LEVELS[level], message)

    def config_raw(self) -> str:
        return configuration.raw()

    def config_prepared(self) -> bytes:
        return configuration.prepared()

    def now(self) -> int:
        return clock.now()

    def random(self, length: int) -> bytes:
        try:
            return numbers.bytes(length)
        except Err as error:
            _failed(error)

    def set_label(self, name: str, value: str) -> None:
        try:
            event.set_label(name, value)
        except Err as error:
            _failed(error)

    def set_idempotency_key(self, key: str) -> None:
        try:
            event.set_idempotency_key(key)
        except Err as error:
            _failed(error)

    def set_order_key(self, key: str) -> None:
        try:
            event.set_order_key(key)
        except Err as error:
            _failed(error)

    def set_deliver_after(self, time: int) -> None:
        try:
            event.set_deliver_after(time)
        except Err as error:
            _failed(error)

    def set_answer(self, status: int, headers: list[Header], body: bytes) -> None:
        try:
            event.set_answer(status, headers, body)
        except Err as error:
            _failed(error)

    def mac_verify(self, secret: str, algorithm: str, parts: Sequence[_host.Part], signature: bytes) -> bool:
        try:
            return crypto.mac_verify(secret, algorithm, _parts(parts), signature)
        except Err as error:
            _failed(error)

    def mac_sign(self, secret: str, algorithm: str, parts: Sequence[_host.Part]) -> bytes:
        try:
            return crypto.mac_sign(secret, algorithm, _parts(parts))
        except Err as error:
            _failed(error)

    def key_verify(self, key: _host.Key, algorithm: str, parts: Sequence[_host.Part], signature: bytes) -> bool:
        try:
            return crypto.key_verify(crypto.Key(*key), algorithm, _parts(parts), signature)
        except Err as error:
            _failed(error)

    def key_sign(self, key: _host.Key, algorithm: str, parts: Sequence[_host.Part]) -> bytes:
        try:
            return crypto.key_sign(crypto.Key(*key), algorithm, _parts(parts))
        except Err as error:
            _failed(error)

    def digest(self, algorithm: str, parts: Sequence[_host.Part]) -> bytes:
        try:
            return crypto.digest(algorithm, _parts(parts))
        except Err as error:
            _failed(error)

    def token_equal(self, secret: str, token: bytes) -> bool:
        try:
            return crypto.token_equal(secret, token)
        except Err as error:
            _failed(error)

    def signature_verify(
        self, key: _host.Key | bytes, algorithm: str, parts: Sequence[_host.Part], signature: bytes
    ) -> bool:
        try:
            return crypto.signature_verify(_public(key), algorithm, _parts(parts), signature)
        except Err as error:
            _failed(error)

    def keys_fetch(
        self,
        url: str,
        headers: list[tuple[str, list[_host.Text]]],
        body: list[_host.Text] | None,
        keep_seconds: int,
    ) -> bytes:
        named = [(name, _texts(value)) for name, value in headers]
        try:
            return keys.fetch(keys.Request(url, named, None if body is None else _texts(body), keep_seconds))
        except Err as error:
            _failed(error)

    def reveal(self, name: str) -> bytes:
        try:
            return secrets.reveal(name)
        except Err as error:
            _failed(error)

    def kv_get(self, namespace: str, key: str) -> bytes | None:
        try:
            return kv.get(namespace, key)
        except Err as error:
            _failed(error)

    def kv_set(self, namespace: str, key: str, value: bytes, ttl: int | None) -> None:
        try:
            kv.set(namespace, key, value, ttl)
        except Err as error:
            _failed(error)

    def kv_delete(self, namespace: str, key: str) -> None:
        try:
            kv.delete(namespace, key)
        except Err as error:
            _failed(error)

    def kv_increment(self, namespace: str, key: str, delta: int, ttl: int | None) -> int:
        try:
            return kv.increment(namespace, key, delta, ttl)
        except Err as error:
            _failed(error)

    def kv_compare_and_swap(
        self, namespace: str, key: str, expected: bytes | None, value: bytes, ttl: int | None
    ) -> bool:
        try:
            return kv.compare_and_swap(namespace, key, expected, value, ttl)
        except Err as error:
            _failed(error)

    def kv_once(self, namespace: str, key: str, ttl: int) -> str:
        try:
            return kv.once(namespace, key, ttl).name.lower()
        except Err as error:
            _failed(error)


_LEVELS = {level.name.lower(): level for level in lines.Level}

_PARTS: dict[str, Callable[[Any], crypto.Part]] = {
    "literal": crypto.Part_Literal,
    "header": crypto.Part_Header,
    "body": lambda body: crypto.Part_Body(body.raw),
    "key": lambda _: crypto.Part_Key(),
}

_TEXTS: dict[str, Callable[[str], keys.Text]] = {
    "literal": keys.Text_Literal,
    "secret": keys.Text_Secret,
    "secret-json": keys.Text_SecretJson,
    "secret-base64": keys.Text_SecretBase64,
}

_EDITS: dict[type[Any], Callable[[Any], types.Edit]] = {
    edits.SetHeader: lambda edit: types.Edit_SetHeader(edit.header),
    edits.AppendHeader: lambda edit: types.Edit_AppendHeader(edit.header),
    edits.RemoveHeader: lambda edit: types.Edit_RemoveHeader(edit.name),
    edits.SetMethod: lambda edit: types.Edit_SetMethod(edit.method),
    edits.SetPath: lambda edit: types.Edit_SetPath(edit.path),
    edits.SetQuery: lambda edit: types.Edit_SetQuery(edit.query),
    edits.ReplaceBody: lambda edit: types.Edit_ReplaceBody(edit.body),
    edits.JsonSet: lambda edit: types.Edit_JsonSet((edit.pointer, edit.text)),
    edits.JsonRemove: lambda edit: types.Edit_JsonRemove(edit.pointer),
    edits.Choose: lambda edit: types.Edit_Choose(list(edit.destinations)),
}


def _parts(parts: Sequence[_host.Part]) -> list[crypto.Part]:
    return [_PARTS[kind](part) for kind, part in parts]


def _public(key: _host.Key | bytes) -> crypto.PublicKey:
    return crypto.PublicKey_Given(key) if isinstance(key, bytes) else crypto.PublicKey_Secret(crypto.Key(*key))


def _texts(pieces: list[_host.Text]) -> list[keys.Text]:
    return [_TEXTS[kind](piece) for kind, piece in pieces]


def _lowered(decided: verdict.Verdict) -> types.Verdict:
    """The verdict as the host reads it."""
    match decided:
        case verdict.Edit(changes):
            return types.Verdict_Edit([_EDITS[type(change)](change) for change in changes])
        case verdict.Reject(status, reason, headers):
            return types.Verdict_Reject(types.Rejection(status, list(headers), reason))
        case verdict.Respond(response):
            return types.Verdict_Respond(types.Response(response.status, list(response.headers), response.body))
        case verdict.Drop(reason):
            return types.Verdict_Drop(reason)
        case verdict.RetryLater(seconds):
            return types.Verdict_RetryLater(seconds)
        case _:
            return types.Verdict_Pass()


def _phase(phase: types.Phase) -> Phase:
    return Destination(phase.value) if isinstance(phase, types.Phase_Destination) else Route()


def export(filter_class: type[filter.Filter[Any]]) -> type[Any]:
    """The class that the component exports as its handler. Everything that is done here is done once, when the component
    is built, and every instance begins with it."""
    judge = filter_class()
    kept: list[Any] = []

    class Handler:
        def handle(self, head: types.Head, body: bodies.Body) -> types.Verdict:
            lent = Body(_Body(body))
            try:
                if not kept:
                    # The configuration is the same for all events of an instance.
                    kept.append(filter.restore(judge, b"" if filter.takes_none(judge) else configuration.prepared()))
                return _lowered(filter.handle(judge, Event(head, _phase(head.phase), lent), kept[0]))
            except errors.Failure as failure:
                text = str(failure)
            finally:
                # The host takes the handle back, whoever still holds the body.
                lent._end()
            raise Err(_utf8(text))

        def configure(self, config: str) -> bytes:
            try:
                return filter.configure(judge, config)
            except (errors.ConfigError, errors.Failure) as error:
                text = str(error)
            raise Err(_utf8(text))

    _host.put(_Component())
    return Handler


def settle() -> None:
    """Leaves the memory that every instance begins with as it is best begun with; called last when a component is built.
    What is there now stays for ever, so the collector of garbage need not go through it with each event, which would
    make each instance a copy of all of it."""
    sys.setrecursionlimit(RECURSION_MOST)
    sys.path_importer_cache.clear()
    gc.collect()
    gc.freeze()


def _utf8(text: str) -> str:
    return text.encode(errors="replace").decode()
