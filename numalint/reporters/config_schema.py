"""The JSON Schema of numalint.toml, made from the structs that it is read into."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from numalint.loaders.config import FORMAT, GLOB, INPUT, PATH, Config
from numalint.reporters.json_schema import REFERENCE, as_text

_NULL = {"type": "null"}
"""What a key that is not written has; TOML cannot write it."""

_NUMBERS = r"(\^[0-9]+|[0-9]+\s*(-\s*[0-9]+)?)\s*"
_SIZE = {"type": "string", "pattern": r"^\s*[0-9]{1,19}\s*([KMGTPkmgtp]([iI][bB])?|[Bb])\s*$"}
_POLICY: dict[str, dict[str, Any]] = {
    "housekeeping-cpus": {"pattern": rf"^\s*({_NUMBERS}(,\s*{_NUMBERS})*(,\s*)?)?$"},
    "reserved-memory": {
        "anyOf": [_SIZE, {"type": "object", "propertyNames": {"pattern": "^[0-9]+$"}, "additionalProperties": _SIZE}]
    },
}
"""How sets and sizes are written, of which the structs know only that they are strings."""


def config_schema() -> str:
    """The schema of a configuration, as text. It takes no key that it does not know, as the loader does not."""
    _, definitions = msgspec.json.schema_components([Config], ref_template=REFERENCE)
    for name in ("HostEntry", "ClassEntry"):
        for key, written in _POLICY.items():
            definitions[name]["properties"][key] |= written
    for name, demands in _DEMANDS.items():
        definitions[name]["allOf"] = [{"anyOf": [_written(key) for key in keys]} for keys in demands]
    definitions["Severity"]["description"] = (
        "How grave a finding is: advice, a measurable loss, or what cannot work as written."
    )
    definitions["Severity"]["enum"] = ["note", "warning", "error"]
    whole = _published(definitions.pop("Config"))
    description = f"{whole.pop('description')} numalint explain numalint-toml says what each key does."
    whole["$defs"] = {name: _published(definitions[name]) for name in sorted(definitions)}
    return as_text("numalint.toml", description, whole)


_DEMANDS: dict[str, list[tuple[str, ...]]] = {
    "PlacementEntry": [("hosts", "class")],
    "Override": [("path", "domain", "host", "class"), ("extend-select", "ignore", "severity")],
}
"""Of each of these lists a key has to be written, and not empty: what check_config demands beside the structs.

That a host has a topology is not demanded here: another file that it extends, or that extends it, may say it.
"""


def _written(key: str) -> dict[str, Any]:
    return {"required": [key], "properties": {key: {"minItems": 1, "minLength": 1, "minProperties": 1}}}


def _published(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without what only numalint needs: null, the names of structs, the formats of what is relative."""
    made = {key: _inside(key, value) for key, value in schema.items() if key != "title"}
    if "description" in made:
        made["description"] = inspect.cleandoc(made["description"]).replace("``", "")
    if made.get(FORMAT) in (GLOB, PATH, INPUT):
        del made[FORMAT]
    if made.get("default", ()) is None or isinstance(made.get("default"), dict):
        del made["default"]
    if _NULL in made.get("anyOf", ()):
        left = [each for each in made.pop("anyOf") if each != _NULL]
        made |= left[0] if len(left) == 1 else {"anyOf": left}
    if made.get("required") == []:
        del made["required"]
    return made


def _inside(key: str, value: Any) -> Any:
    """The value of a keyword, with the schemas in it as they are published."""
    if key == "properties":
        return {name: _published(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_published(each) if isinstance(each, dict) else each for each in value]
    return _published(value) if isinstance(value, dict) and key != "default" else value
