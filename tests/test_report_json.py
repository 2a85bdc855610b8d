"""The report that programs read: its keys and values are kept."""

from __future__ import annotations

import json as plain_json

from handmade import report, result

from numalint.model.report import Coverage, Problem, RelatedSpan, Span, Unjudged
from numalint.reporters.json import whole


def test_the_whole_document_is_as_documented() -> None:
    found = result(
        Span("domains/db1.xml", 5, 6, 13),
        message="db1: 2 vCPUs are pinned",
        related=(RelatedSpan(Span("hosts/kvm01.xml", 4, 8, 12), "node 1"),),
        why="it is slow",
        help="add <numatune>",
        data={"vcpus": 2, "node": "1"},
    )
    made = report(
        found,
        problems=(Problem(kind="unreadable-file", message="it cannot be read", path="a.xml", line=3),),
        unjudged=(Unjudged(rule="device-remote", host=None, facts=("pci",), domains=3, subjects=("eth0",)),),
        coverage=Coverage(
            domains=12, hosts=("kvm01",), rules=9, without_host=3, passed_over={"network": 2}, excluded=1
        ),
        exit_code=2,
    )
    text = whole(made, True)
    assert text.endswith("}\n")
    document = plain_json.loads(text)
    assert list(document) == ["format", "version", "exit_code", "results", "problems", "unjudged", "coverage"]
    assert document == {
        "format": "numalint.report/1",
        "version": "0.1.0",
        "exit_code": 2,
        "results": [
            {
                "rule": "numatune-missing",
                "severity": "warning",
                "message": "db1: 2 vCPUs are pinned",
                "label": "first of 2 pins, all on node 1",
                "span": {"path": "domains/db1.xml", "line": 5, "column": 6, "end_column": 13},
                "element": "/domain/cputune/vcpupin",
                "domain": "db1",
                "host": "kvm01",
                "related": [
                    {
                        "span": {"path": "hosts/kvm01.xml", "line": 4, "column": 8, "end_column": 12},
                        "label": "node 1",
                    }
                ],
                "why": "it is slow",
                "help": "add <numatune>",
                "data": {"vcpus": 2, "node": "1"},
                "also_on": [],
                "others": [],
                "fingerprint": "0123456789abcdef",
                "suppressed": None,
                "suppressed_by": "",
            }
        ],
        "problems": [
            {
                "kind": "unreadable-file",
                "message": "it cannot be read",
                "path": "a.xml",
                "line": 3,
                "column": None,
                "help": "",
            }
        ],
        "unjudged": [{"rule": "device-remote", "host": None, "facts": ["pci"], "domains": 3, "subjects": ["eth0"]}],
        "coverage": {
            "domains": 12,
            "hosts": ["kvm01"],
            "rules": 9,
            "without_host": 3,
            "passed_over": {"network": 2},
            "excluded": 1,
            "suppressed": 0,
            "known": 0,
        },
    }


def test_a_clean_run_has_every_key() -> None:
    document = plain_json.loads(whole(report(), False))
    assert (document["results"], document["problems"], document["unjudged"], document["exit_code"]) == ([], [], [], 0)


def test_names_of_any_script_are_kept_and_file_names_that_are_not_utf_8_are_told() -> None:
    text = whole(report(result(Span("büro\udcff.xml", 1, 1, 2), domain="中文🦆", message="a\x1bb")), False)
    (found,) = plain_json.loads(text)["results"]
    assert (found["span"]["path"], found["domain"], found["message"]) == ("büro\ufffd.xml", "中文🦆", "a\x1bb")
    assert "中文🦆" in text
    assert "\x1b" not in text
