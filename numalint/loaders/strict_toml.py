"""TOML into typed values, strictly: what is not known is an error that names the table, the key and the nearest one."""

from __future__ import annotations

import enum
import re
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from numalint.loaders.document import Document, LoadError
from numalint.loaders.nearest_name import did_you_mean
from numalint.loaders.toml_places import line_of

T = TypeVar("T")

Keys = tuple[str | int, ...]
"""The keys that lead to a value, and the index of one in a list."""

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_AT = re.compile(r"(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?")
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")
_LINE = re.compile(r"line (\d+), column (\d+)")
_PYPROJECT = "tool.numalint."
_TYPES = {
    "int": "a whole number",
    "str": "a string in quotes",
    "array": "a list",
    "object": "a table",
    "bool": "true or false",
    "float": "a number",
    "date": "a date such as 2026-12-31",
    "datetime": "a date with a time",
}
_IN_WORDS = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Invalid RFC3339 encoded date", "it is no date such as 2026-12-31"),
        (r"Object missing required field `(.*)`", r"the key '\1' is missing"),
        (r"Expected `(?:str|array)` of length >= 1", "it is empty"),
        (r"Expected `array` of length >= (\d+)", r"it needs \1 or more"),
        (r"Expected `float` > 0\.0", "it has to be above 0"),
    )
]
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice|Cannot overwrite a value")
_DEEP_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){64}""", re.ASCII)
"""A key of so many parts, over which tomllib takes a time that grows with their square."""
_LIKE_A_DATE = re.compile(r"=\s*\d+[-./]\d+[-./]\d+")


def read_toml(document: Document) -> dict[str, Any]:
    """The tables of a TOML file; a byte order mark is passed over. Raises LoadError, with the line, where it is none."""
    import tomllib  # noqa: PLC0415  # a run without a configuration need not pay for it

    try:
        text = document.data.decode("utf-8-sig")
        if _DEEP_KEY.search(text):
            raise _too_deep(document)
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = document.data.count(b"\n", 0, error.start) + 1
        raise LoadError("it is not UTF-8", document.path, line, help="save it as UTF-8") from None
    except RecursionError:
        raise _too_deep(document) from None
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        found = _LINE.match(place)
        at = (int(found[1]), int(found[2])) if found else _end_of(document)
        written = document.data.decode("utf-8-sig").split("\n")[at[0] - 1]
        help = "a date is written 2026-12-31" if _LIKE_A_DATE.search(written) else ""
        raise LoadError(f"it is not TOML: {_TWICE.sub(_twice, reason)}", document.path, *at, help=help) from None
    except ValueError:  # Python converts no number of thousands of digits
        raise LoadError("it is not TOML: a number in it is too long", document.path) from None


def _too_deep(document: Document) -> LoadError:
    return LoadError("it is not TOML: its values are nested too deeply", document.path)


def _twice(match: re.Match[str]) -> str:
    """What tomllib says of a table or a key that is there already, in the words of TOML."""
    names = re.findall(r"'([^']*)'", match[1] or "")
    return f"the table [{'.'.join(names)}] is there already" if names else "the key is there already"


def _end_of(document: Document) -> tuple[int, int]:
    """The line and column after the last character, where tomllib says "at end of document"."""
    lines = document.data.decode("utf-8-sig").split("\n") or [""]
    return len(lines), len(lines[-1]) + 1


def convert(document: Document, tables: dict[str, Any], kind: type[T]) -> T:
    """``tables`` as ``kind``, a struct that forbids unknown fields. Raises LoadError for the first thing wrong."""
    try:
        return msgspec.convert(tables, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _refused(document, tables, kind, str(error)) from None


def in_words(said: str) -> str:
    """What msgspec says of a value, in the words of TOML: ``Expected `str | null`, got `int` `` and the like."""
    for pattern, words in _IN_WORDS:
        if match := pattern.fullmatch(said):
            return match.expand(words)
    plain = said.replace("`", "").replace(" | null", "").replace(" | ", " or ")
    plain = re.sub(r"\b(?:int|str|array|object|bool|float|date|datetime)\b", lambda match: _TYPES[match[0]], plain)
    return f"{plain[0].lower()}{plain[1:]}"


def _refused(document: Document, tables: dict[str, Any], kind: type, said: str) -> LoadError:
    match = _AT.fullmatch(said)
    reason, path = (match["reason"], match["path"] or "$") if match else (said, "$")
    keys = _spelt(tables, kind, said, path)
    unknown = _UNKNOWN.fullmatch(reason)
    if unknown is None:
        where = _name(tables, keys)
        return LoadError(
            f"{where}: {_reason(reason, kind, path)}" if where else in_words(reason),
            document.path,
            _line(document, tables, keys),
            help=f"write [[{where}]]" if reason == "Expected `array`, got `object`" and len(keys) == 1 else "",
        )
    key, known = unknown["key"], sorted(_fields(_kind_at(kind, path)))
    table = _name(tables, keys)
    where = f" in {table if table.startswith('[') else f'[{table}]'}" if table else ""
    return LoadError(
        f"there is no key {key!r}{where}",
        document.path,
        _line(document, tables, (*keys, key)),
        help=did_you_mean(key, known, f"the keys are {', '.join(known)}", 0.5),
    )


def _reason(said: str, kind: Any, path: str) -> str:
    found = _kind_at(kind, path)
    if said.startswith("Invalid enum value") and isinstance(found, type) and issubclass(found, enum.Enum):
        return f"{said.removeprefix('Invalid enum value ')} is none of {', '.join(repr(each.value) for each in found)}"
    return in_words(said)


def _spelt(tables: dict[str, Any], kind: type, said: str, path: str) -> Keys:
    """The keys and indices of a msgspec path such as ``$.hosts[...].topology``.

    msgspec leaves out the keys of what may have any: it is the first one that is refused in the same words by itself.
    """
    keys: Keys = ()
    for name, index in _STEP.findall(path):
        if index != "...":
            keys = (*keys, name or int(index))
            continue
        inside = _at(tables, keys)
        for key in inside:
            try:
                msgspec.convert(_with(tables, keys, {key: inside[key]}), kind, strict=True)
            except msgspec.ValidationError as error:
                if str(error) == said:
                    keys = (*keys, key)
                    break
    return keys


def _at(tables: Any, keys: Keys) -> Any:
    for key in keys:
        tables = tables[key]
    return tables


def _with(tables: Any, keys: Keys, value: Any) -> Any:
    """The tables with another value at some keys."""
    if not keys:
        return value
    made = tables.copy()
    made[keys[0]] = _with(tables[keys[0]], keys[1:], value)
    return made


def _name(tables: dict[str, Any], keys: Keys) -> str:
    """A value as TOML names it: ``hosts.kvm01.topology``, ``[[ignore]] 2 until``, ``exclude, number 1``."""
    first, rest = _first(tables, keys)
    names = ".".join(key for key in rest if isinstance(key, str))
    numbers = "".join(f", number {key + 1}" for key in rest if isinstance(key, int))
    return f"{first}{' ' if first.startswith('[[') else '.'}{names}{numbers}".strip(" .").replace(".,", ",")


def _line(document: Document, tables: dict[str, Any], keys: Keys) -> int | None:
    """The line of a value, or of the nearest thing around it that is found."""
    for above in (_PYPROJECT, ""):
        first, rest = _first(tables, keys, above)
        names = [first, *(key for key in rest if isinstance(key, str))]
        line = line_of(document, names) or line_of(document, [f"{above}{keys[0]}" if keys else ""])
        if line is not None:
            return line
    return None


def _first(tables: dict[str, Any], keys: Keys, above: str = "") -> tuple[str, Keys]:
    """The name of the table at the top that keys lead through, ``[[ignore]] 2`` in an array of them, and further keys."""
    if not keys:
        return "", ()
    if len(keys) > 1 and isinstance(keys[1], int) and isinstance(tables[str(keys[0])][keys[1]], dict):
        return f"[[{above}{keys[0]}]] {keys[1] + 1}", keys[2:]
    return f"{above}{keys[0]}", keys[1:]


def _kind_at(kind: Any, path: str) -> Any:
    """The type of what is at a msgspec path."""
    for name, _ in _STEP.findall(path):
        kind = get_type_hints(_struct(kind))[_fields(kind)[name]] if name else get_args(_container(kind))[-1]
    return kind


def _fields(kind: Any) -> dict[str, str]:
    """The fields of a struct by their keys in TOML."""
    return {field.encode_name: field.name for field in msgspec.structs.fields(_struct(kind))}


def _struct(kind: Any) -> Any:
    """The struct in a type such as ``Struct | None``."""
    return next((each for each in get_args(kind) if isinstance(each, type) and issubclass(each, msgspec.Struct)), kind)


def _container(kind: Any) -> Any:
    """The dict or list in a type such as ``str | dict[str, Struct] | None``."""
    return next((each for each in get_args(kind) if get_origin(each) in (list, dict)), kind)
