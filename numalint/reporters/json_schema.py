"""The JSON Schema of ``--format json``, made from the structs that are printed."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import msgspec

from numalint.model.report import Report
from numalint.reporters import json
from numalint.reporters.json_text import json_text

REFERENCE = "#/$defs/{name}"
"""How a schema names one of its definitions."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def as_text(title: str, description: str, schema: dict[str, Any]) -> str:
    """A whole schema as it is published."""
    document = {"$schema": _DIALECT, "title": title, "description": description, **schema}
    return json_text(document)


def report_schema() -> str:
    """The schema of a report, as text. It takes keys that it does not know, for later versions add some."""
    types = get_type_hints(Report)
    schemas, definitions = msgspec.json.schema_components([types[key] for key in json.KEYS], ref_template=REFERENCE)
    properties: dict[str, Any] = {"format": {"const": json.FORMAT}, **dict(zip(json.KEYS, schemas, strict=True))}
    properties["exit_code"] = {"enum": [0, 1, 2]}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "$defs": {name: _printed(definitions[name]) for name in sorted(definitions)},
    }
    return as_text(f"A report of numalint, {json.FORMAT}", inspect.cleandoc(json.__doc__ or ""), schema)


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
