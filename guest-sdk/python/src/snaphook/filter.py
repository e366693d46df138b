"""What an author implements, and how the host's two calls reach it."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Never, TypeVar, get_args, get_origin

from snaphook import _reading, json
from snaphook.errors import ConfigError, Failure, Refusal
from snaphook.event import Event
from snaphook.manifest import BodyNeed, Manifest, checked, refuse_unknown
from snaphook.verdict import PASS, Edit, Reject, Verdict

C = TypeVar("C")


class Filter(ABC, Generic[C]):
    """A filter. Derive a class from `Filter[Config]`, where `Config` is the type that an operator configures, or from
    `Filter[None]` for a filter that takes no configuration and refuses any.

        @dataclass
        class Config:
            header: str
            optional: bool = False

        class Guard(Filter[Config], body="none", secrets=["webhook"]):
            def handle(self, event: Event, config: Config) -> Verdict:
                ...

    A configuration is read from JSON strictly, by the type's annotations: dataclasses, `str`, `int`, `float`, `bool`,
    `list`, `tuple`, `dict` with names, `Literal`, `Enum`, unions of these, `Any`. A field of a dataclass is the member of
    its name; where that ends in `_`, of the name without it (`in_`, `from_`). Members that no field is for are refused.

    What stands behind the base in the class goes into the module's manifest, and the operator who attaches the filter grants
    it:

    - `body`: `"none"` if the filter never looks at the body, so that the host may stream it past; `"buffered"` by default.
    - `secrets`: names of the secrets that it verifies and signs with.
    - `reveal`: names of the secrets that it reads in the clear.
    - `kv`: names of its key-value namespaces.
    - `optional_secrets`: names of secrets that it verifies and signs with, or not, as it is configured.
    - `optional_kv`: names of key-value namespaces that it uses, or not, as it is configured.
    - `keys`: beginnings of URLs from which it may have keys fetched, as it is configured.
    - `config_schema`: a file beside the filter's: the JSON Schema (2020-12) of its configuration.

    The class is made an instance of once, while the component is built. What `__init__` does is done then, and every
    instance of the component begins with it.
    """

    manifest: ClassVar[Manifest]
    _config: ClassVar[_reading.Form | None] = None

    def __init_subclass__(
        cls,
        *,
        body: BodyNeed = "buffered",
        secrets: Sequence[str] = (),
        reveal: Sequence[str] = (),
        kv: Sequence[str] = (),
        optional_secrets: Sequence[str] = (),
        optional_kv: Sequence[str] = (),
        keys: Sequence[str] = (),
        config_schema: str | None = None,
        **unknown: Never,
    ) -> None:
        super().__init_subclass__()
        refuse_unknown(unknown)
        _check_handle(cls)
        cls.manifest = checked(body, secrets, reveal, kv, optional_secrets, optional_kv, keys, config_schema)
        for base in cls.__dict__.get("__orig_bases__", ()):
            arguments = get_args(base)
            if isinstance(get_origin(base), type) and issubclass(get_origin(base), Filter) and arguments:
                config = arguments[0]
                if not isinstance(config, TypeVar):
                    cls._config = _reading.form(config)

    @abstractmethod
    def handle(self, event: Event, config: C) -> Verdict:
        """Judges one event. Do not count on anything that an earlier call left in memory, nor on its not being there: the
        operator decides whether instances are fresh or used again.

        A `Refusal` that is raised here rejects the event; every other exception is failure class `failed`, and the
        attachment's policy decides.
        """

    def validate(self, config: C) -> None:
        """What types cannot say about a configuration. Called when it is written, not for each event.

        Raises:
            ConfigError: what is wrong, for the operator; the configuration is not attached.
        """

    def prepare(self, config: C, text: str) -> bytes:
        """What is kept for `handle` to read its configuration from; by default the JSON text itself. Override it together
        with `restore` to keep what is costly to make: a sorted table, a compact form.

        Raises:
            ConfigError: as `validate`.
        """
        return text.encode()

    def restore(self, prepared: bytes) -> C:
        """The configuration out of what `prepare` made. Called once for each instance."""
        config: C = _read(self, prepared.decode())
        return config


def configure(filter: Filter[Any], text: str) -> bytes:
    """The host's `configure`: checks a configuration and prepares it.

    Raises:
        ConfigError: what is wrong with it.
        Failure: if the filter could not check it.
    """
    try:
        config = _read(filter, text)
        filter.validate(config)
        if config is None:
            return b""
        prepared = filter.prepare(config, text)
    except ConfigError:
        raise
    except Exception as error:
        raise Failure(told(filter, error)) from error
    if not isinstance(prepared, bytes):
        raise Failure(f"`prepare` returned {_kind(prepared)}, not bytes")
    return prepared


def restore(filter: Filter[Any], prepared: bytes) -> Any:
    """The configuration, out of what `configure` returned.

    Raises:
        Failure: if the filter cannot read it.
    """
    try:
        return None if takes_none(filter) else filter.restore(prepared)
    except Exception as error:
        raise Failure(told(filter, error)) from error


def handle(filter: Filter[Any], event: Event, config: Any) -> Verdict:
    """The host's `handle`: the verdict. An edit without edits is a pass.

    Raises:
        Failure: if there is none.
        MemoryError: as it is; the host knows better why.
    """
    try:
        verdict = filter.handle(event, config)
    except Refusal as refusal:
        return Reject(refusal.status, refusal.reason, refusal.headers)
    except MemoryError:
        raise
    except BaseException as error:
        # `SystemExit` too: there is no process to end.
        raise Failure(told(filter, error)) from error
    if not isinstance(verdict, Verdict):
        raise Failure(_no_verdict(verdict))
    return PASS if isinstance(verdict, Edit) and not verdict.changes else verdict


def takes_none(filter: Filter[Any]) -> bool:
    """Whether the filter takes no configuration."""
    return filter._config is _reading.NOTHING


def _check_handle(filter_class: type[Filter[Any]]) -> None:
    """Whether the host could call it, as far as that is known before it does.

    Raises:
        TypeError: if not.
    """
    method = inspect.getattr_static(filter_class, "handle")
    if not inspect.isfunction(method):
        return
    name, wanted = f"`{filter_class.__name__}.handle`", "write `def handle(self, event, config)`"
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise TypeError(f"{name} is async, and nobody waits for it: {wanted}")
    try:
        # What a decorator wraps is its own affair.
        inspect.signature(method, follow_wrapped=False).bind("self", "event", "config")
    except TypeError:
        raise TypeError(
            f"{name} does not take an event and a configuration: {wanted}, also where nothing is configured"
        ) from None


def _read(filter: Filter[Any], text: str) -> Any:
    if filter._config is None:
        name = type(filter).__name__
        raise Failure(f"nobody knows how {name} is configured: derive it from Filter[Config], or from Filter[None]")
    try:
        value = json.read_members(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"is not JSON: {error}") from None
    if takes_none(filter):
        if isinstance(value, dict) and not value:
            return None
        names = "`, `".join(value) if isinstance(value, dict) else None
        what = f"remove `{names}`" if names else "write `{}` or leave it out"
        raise ConfigError(f"this filter takes no configuration: {what}")
    return filter._config.read(value, "")


def told(filter: Filter[Any], error: BaseException) -> str:
    """An exception in one line: what, and where in the filter. A `Failure` and what the host says of a call stand for
    themselves."""
    if isinstance(error, Failure):
        return str(error)
    text = str(error)
    what = type(error).__name__
    told = f"{what}: {text}" if text else what
    place = _place(filter, error)
    if isinstance(error, ModuleNotFoundError):
        told += "; a component has only what was imported when it was built: import it at the top of the file"
    return f"{told} ({place})" if place else told


def _place(filter: Filter[Any], error: BaseException) -> str:
    """The innermost line of the filter's own code: `rules, line 12`."""
    own = type(filter).__module__.partition(".")[0]
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == own:
            place = f"{module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _no_verdict(returned: object) -> str:
    if inspect.ismethod(returned) and returned.__self__ is Verdict:
        name = f"Verdict.{returned.__name__}"
        return f"`handle` returned the method `{name}`, not a verdict: write `{name}()`"
    return f"`handle` returned {_kind(returned)}, not a verdict"


def _kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"
