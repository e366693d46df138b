"""Reads configurations: JSON values into the types that an author declares, strictly, with the place of every fault in the
words that operators know from filters in Rust."""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from snaphook.errors import ConfigError
from snaphook.json import Members

Reader: TypeAlias = Callable[[Any, str], Any]
"""Takes a JSON value and its place (`rules[2].to`); raises a `ConfigError` that begins with the place."""


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """How a type is read: the kinds of JSON that may be one, what is expected in words, and the reader."""

    kinds: frozenset[str]
    expected: str
    read: Reader


def form(wanted: Any) -> Form:
    """How values of this type are read.

    Raises:
        TypeError: if the type has no form in JSON.
    """
    return _form(wanted, {}, "the configuration")


def _nothing(value: Any, place: str) -> None:
    if value is not None:
        raise _wrong(value, "null", place)


def _form(wanted: Any, known: dict[Any, Form], where: str) -> Form:
    if wanted in _PLAIN:
        return _PLAIN[wanted]
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return _union([_form(each, known, where) for each in arguments])
    if origin is Literal:
        return _literal(list(arguments))
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        return _enum(wanted)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _dataclass(wanted, known)
    if origin is tuple and (len(arguments) != 2 or arguments[1] is not ...):
        return _fixed([_form(each, known, where) for each in arguments])
    if origin in (list, tuple, Sequence):
        return _sequence(_form(arguments[0], known, where), tuple if origin is tuple else list)
    if origin in (dict, Mapping) and arguments[0] is str:
        return _map(_form(arguments[1], known, where))
    name = getattr(wanted, "__name__", None) or str(wanted)
    raise TypeError(
        f"{where}: `{name}` is not read from JSON: use dataclasses, str, int, float, bool, None, list[…], tuple[…], "
        "dict[str, …], Literal, Enum, unions of these, or Any"
    )


def _scalar(kind: str, expected: str, convert: Callable[[Any], Any] | None = None, also: str = "") -> Form:
    kinds = frozenset({kind, also} - {""})

    def read(value: Any, place: str) -> Any:
        if _kind(value) not in kinds:
            raise _wrong(value, expected, place)
        return convert(value) if convert else value

    return Form(kinds, expected, read)


_KINDS = frozenset({"null", "boolean", "integer", "floating point", "string", "sequence", "map"})


def _plain(value: Any, place: str) -> Any:
    """Whatever it is."""
    return value


NOTHING = Form(frozenset({"null"}), "null", _nothing)
"""How `None` is read."""

_PLAIN: dict[Any, Form] = {
    str: _scalar("string", "a string"),
    bool: _scalar("boolean", "a boolean"),
    int: _scalar("integer", "an integer"),
    float: _scalar("floating point", "a number", float, also="integer"),
    None: NOTHING,
    type(None): NOTHING,
    Any: Form(_KINDS, "anything", _plain),
    object: Form(_KINDS, "anything", _plain),
}


def _union(forms: list[Form]) -> Form:
    expected = _listed([form.expected for form in forms])

    def read(value: Any, place: str) -> Any:
        fitting = [form for form in forms if _kind(value) in form.kinds]
        if not fitting:
            raise _wrong(value, expected, place)
        faults: list[ConfigError] = []
        for form in fitting:
            try:
                return form.read(value, place)
            except ConfigError as fault:
                faults.append(fault)
        # One that got further into the value says more than one that did not begin.
        raise max(faults, key=lambda fault: len(str(fault).partition(": ")[0]))

    return Form(frozenset().union(*(form.kinds for form in forms)), expected, read)


def _literal(options: list[Any]) -> Form:
    expected = _one_of([str(option) for option in options])
    kinds = frozenset(_kind(option) for option in options)

    def read(value: Any, place: str) -> Any:
        kind = _kind(value)
        if kind not in kinds:
            raise _wrong(value, expected, place)
        for option in options:
            if _kind(option) == kind and option == value:
                return option
        raise _fault(place, f"unknown variant `{value}`, expected {expected}")

    return Form(kinds, expected, read)


def _enum(wanted: type[enum.Enum]) -> Form:
    literal = _literal([member.value for member in wanted])
    return Form(literal.kinds, literal.expected, lambda value, place: wanted(literal.read(value, place)))


def _sequence(element: Form, make: Callable[[list[Any]], Any]) -> Form:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise _wrong(value, "a sequence", place)
        return make([element.read(each, f"{place}[{index}]") for index, each in enumerate(value)])

    return Form(frozenset({"sequence"}), "a sequence", read)


def _fixed(elements: list[Form]) -> Form:
    expected = f"a sequence of {len(elements)}"

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise _wrong(value, expected, place)
        if len(value) != len(elements):
            raise _fault(place, f"invalid length {len(value)}, expected {expected}")
        pairs = enumerate(zip(elements, value, strict=True))
        return tuple(element.read(each, f"{place}[{index}]") for index, (element, each) in pairs)

    return Form(frozenset({"sequence"}), expected, read)


def _map(member: Form) -> Form:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(value, "a map", place)
        _once_each(value, place)
        return {name: member.read(each, _below(place, name)) for name, each in value.items()}

    return Form(frozenset({"map"}), "a map", read)


def _dataclass(wanted: type, known: dict[Any, Form]) -> Form:
    if wanted in known:
        return known[wanted]
    fields: dict[str, tuple[str, Form]] = {}
    required: list[str] = []

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(value, "a map", place)
        _once_each(value, place)
        values = {}
        for name, each in value.items():
            if name not in fields:
                expected = f"expected {_one_of(list(fields))}" if fields else "there are no fields"
                raise _fault(_below(place, name), f"unknown field `{name}`, {expected}")
            field, form = fields[name]
            values[field] = form.read(each, _below(place, name))
        for name in required:
            if name not in value:
                raise _fault(place, f"missing field `{name}`")
        try:
            return wanted(**values)
        except ConfigError as fault:
            # Out of `__post_init__`, which does not know where in the configuration it is.
            raise _fault(place, str(fault)) from None

    # A type may hold itself, so it is known before its fields are looked at.
    form = known[wanted] = Form(frozenset({"map"}), "a map", read)
    hints = get_type_hints(wanted)
    for field in dataclasses.fields(wanted):
        if field.init:
            name = field.name.removesuffix("_")
            fields[name] = (field.name, _form(hints[field.name], known, f"{wanted.__name__}.{field.name}"))
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                required.append(name)
    return form


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "floating point"
        case str():
            return "string"
        case list():
            return "sequence"
        case _:
            return "map"


def _once_each(value: dict[str, Any], place: str) -> None:
    if isinstance(value, Members) and value.twice is not None:
        raise _fault(_below(place, value.twice), f"duplicate field `{value.twice}`")


def _wrong(value: Any, expected: str, place: str) -> ConfigError:
    match value:
        case bool():
            shown = f" `{str(value).lower()}`"
        case int() | float():
            shown = f" `{value}`"
        case str():
            shown = f' "{value}"'
        case _:
            shown = ""
    return _fault(place, f"invalid type: {_kind(value)}{shown}, expected {expected}")


def _fault(place: str, text: str) -> ConfigError:
    return ConfigError(f"{place}: {text}" if place else text)


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _one_of(names: typing.Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " or ".join(quoted) if len(quoted) < 3 else f"one of {', '.join(quoted)}"


def _listed(texts: list[str]) -> str:
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
