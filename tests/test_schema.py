"""``numalint schema``: the schema of the JSON report, and that what is printed is valid by it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from any_report import REPORTS
from handmade import FULL, report
from hypothesis import given, settings
from jsonschema import Draft202012Validator, ValidationError

from numalint.cli.schema import SCHEMAS
from numalint.model.report import Report
from numalint.reporters.json import whole
from numalint.reporters.json_schema import report_schema

SCHEMA = json.loads(report_schema())
VALID = Draft202012Validator(SCHEMA)


def test_the_schema_is_one_and_names_the_format() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["properties"]["format"] == {"const": "numalint.report/1"}
    assert list(SCHEMA["properties"]) == SCHEMA["required"]
    assert "``fingerprint``" in SCHEMA["description"]
    assert all(each["description"] for each in SCHEMA["$defs"].values())
    assert not any(line.startswith(" ") for line in SCHEMA["$defs"]["Span"]["description"].split("\n"))


def test_every_key_that_is_printed_is_described_and_required() -> None:
    document = json.loads(whole(report(FULL), False))
    (found,) = document["results"]
    assert list(document) == SCHEMA["required"]
    assert list(found) == SCHEMA["$defs"]["Result"]["required"]
    assert list(found["span"]) == SCHEMA["$defs"]["Span"]["required"]
    assert list(document["coverage"]) == SCHEMA["$defs"]["Coverage"]["required"]


@settings(deadline=None)
@given(REPORTS)
def test_every_report_is_valid(made: Report) -> None:
    VALID.validate(json.loads(whole(made, False)))


def without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


@pytest.mark.parametrize(
    "changed",
    [
        lambda document: document | {"format": "numalint.report/2"},
        lambda document: document | {"exit_code": 3},
        lambda document: without(document, "unjudged"),
        lambda document: document | {"results": [without(document["results"][0], "host")]},
        lambda document: document | {"results": [document["results"][0] | {"severity": "fatal"}]},
        lambda document: document | {"results": [document["results"][0] | {"related": [{"label": "a"}]}]},
    ],
)
def test_what_is_no_report_is_refused(changed: Any) -> None:
    with pytest.raises(ValidationError):
        VALID.validate(changed(json.loads(whole(report(FULL), False))))


def test_a_later_version_may_add_keys() -> None:
    VALID.validate(json.loads(whole(report(FULL), False)) | {"new": 1})


def test_the_command_prints_the_schema_of_what_check_prints(examples, numalint):
    printed = numalint("schema", "report")
    assert (printed.code, printed.out, printed.err) == (0, report_schema(), "")
    checked = numalint("check", ".", "--format", "json", cwd=examples)
    assert checked.code == 1
    Draft202012Validator(json.loads(printed.out)).validate(json.loads(checked.out))


def test_a_schema_that_is_not_there_is_refused_by_those_that_are(numalint):
    refused = numalint("schema", "reports")
    assert refused.code == 2
    assert all(name in refused.err for name in SCHEMAS)
