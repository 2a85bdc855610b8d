"""The JSON Schema of ``--format json``, made from the structs that are printed."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import msgspec

from numalint.model.report import Report
from numalint.reporters import json

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> str:
    """The schema of a report, as text. It takes keys that it does not know, for later versions add some."""
    types = get_type_hints(Report)
    schemas, definitions = msgspec.json.schema_components(
        [types[key] for key in json.KEYS], ref_template="#/$defs/{name}"
    )
    properties: dict[str, Any] = {"format": {"const": json.FORMAT}, **dict(zip(json.KEYS, schemas, strict=True))}
    properties["exit_code"] = {"enum": [0, 1, 2]}
    document = {
        "$schema": _DIALECT,
        "title": f"A report of numalint, {json.FORMAT}",
        "description": inspect.cleandoc(json.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "$defs": {name: _printed(definitions[name]) for name in sorted(definitions)},
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _printed(schema: dict[str, Any]) -> dict[str, Any]:
    """A definition as of what is printed: every key is there, with its value whether or not it is the default."""
    printed = schema | {"description": inspect.cleandoc(schema["description"])}
    if "properties" in schema:
        printed["properties"] = {
            name: {key: value for key, value in each.items() if key != "default"}
            for name, each in schema["properties"].items()
        }
        printed["required"] = list(schema["properties"])
    return printed
