"""GitLab's Code Quality report, held to the keys that GitLab documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from any_report import REPORTS
from handmade import DOMAIN, FULL, report, result, span
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from numalint.model.finding import Severity
from numalint.model.report import Problem, Report, Span, Unjudged
from numalint.reporters.gitlab import code_quality

DOCUMENTED = Draft202012Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string"},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "minLength": 1, "not": {"pattern": "^\\./"}},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    }
)


def entries(made: Report) -> list[dict[str, Any]]:
    text = code_quality(made, False)
    assert text == code_quality(made, True)
    found: list[dict[str, Any]] = json.loads(text.encode())
    DOCUMENTED.validate(found)
    return found


def test_a_finding_is_an_entry() -> None:
    assert entries(report(FULL)) == [
        {
            "description": "numatune-missing: db1: 2 vCPUs are pinned to node 1 of kvm01, "
            "but its 16 GiB of memory may come from any node\n"
            "why: with memory on the other node every access crosses the interconnect (10 % and more)\n"
            "help: add <numatune><memory mode='strict' nodeset='1'/></numatune>\n"
            "see domains/db1.xml:6:31: the other of 2 pins\n"
            "see domains/db1.xml:2:9: this domain\n"
            "see hosts/kvm01.xml:4:8: node 1: CPUs 8-15, 32 GiB",
            "check_name": "numatune-missing",
            "fingerprint": "0123456789abcdef",
            "severity": "major",
            "location": {"path": "domains/db1.xml", "lines": {"begin": 5}},
        }
    ]


def test_a_clean_run_is_an_empty_array() -> None:
    assert code_quality(report(), False) == "[]\n"


def test_severities_are_gitlabs_own() -> None:
    found = [result(span(DOMAIN, "db1"), severity=severity) for severity in Severity]
    problem = Problem(kind="nothing-judged", message="no libvirt domain was found", help="name a folder")
    made = entries(report(*found, problems=(problem,)))
    severities = {"note": "info", "warning": "major", "error": "critical"}
    assert [each["severity"] for each in made] == [*(severities[each.value] for each in Severity), "blocker"]
    assert made[-1]["description"] == "nothing-judged: no libvirt domain was found\nhelp: name a folder"
    assert made[-1]["location"] == {"path": ".", "lines": {"begin": 1}}


def test_equal_findings_are_told_apart_the_same_way_each_time() -> None:
    found = [result(span(DOMAIN, "db1"), fingerprint=print) for print in ("a", "b", "a", "a:2", "a")]
    assert [each["fingerprint"] for each in entries(report(*found))] == ["a", "b", "a:3", "a:2", "a:4"]


def test_what_was_not_judged_is_an_entry_for_each_host_and_fact_and_one_for_all_without_a_host() -> None:
    def lacking(domains: int, *more: Unjudged) -> list[dict[str, Any]]:
        unjudged = (
            Unjudged(rule="device-remote", host=None, facts=("pci",), domains=domains),
            Unjudged(rule="cpu-offline", host="kvm01", facts=("offline",), domains=domains),
            Unjudged(rule="vcpus-exceed-node", host=None, facts=("nodes",), domains=domains),
            Unjudged(rule="cpu-odd", host="kvm01", facts=("offline",), domains=1),
            *more,
        )
        return entries(report(unjudged=unjudged))

    made = lacking(3)
    assert [each["check_name"] for each in made] == ["not-judged"] * 2
    assert [each["severity"] for each in made] == ["info"] * 2
    assert made[0]["description"].startswith(
        "not judged: 2 rules need a host and were not judged on 3 domains; give one"
    )
    assert made[1]["description"].split("\n") == [
        "not judged: cpu-offline on kvm01 (offline unknown), 3 domains",
        "not judged: cpu-odd on kvm01 (offline unknown), 1 domain",
        "to know offline: numalint topology capture on the host, or offline under [cpus] in the host's TOML",
    ]
    another = lacking(4, Unjudged(rule="cpu-offline", host="kvm02", facts=("offline",), domains=1))
    assert [each["fingerprint"] for each in another[:2]] == [each["fingerprint"] for each in made]
    assert len({each["fingerprint"] for each in another}) == 3


def test_paths_start_at_the_root_and_no_absolute_one_gets_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repository" / "büro").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository" / "büro")
    spans = [Span(path, 1, 2, 3) for path in ("a b.xml", str(tmp_path / "x.xml"), "-", "d\udcff.xml")]
    problem = Problem(kind="not-ours", message="it is no domain", path=str(tmp_path / "repository" / "y.xml"), line=7)
    made = entries(report(*map(result, spans), problems=(problem,), root=str(tmp_path / "repository")))
    assert str(tmp_path) not in json.dumps(made)
    paths = [each["location"]["path"] for each in made]
    assert paths == ["büro/a b.xml", "x.xml", "stdin", "büro/d\ufffd.xml", "y.xml"]
    assert made[-1]["location"]["lines"] == {"begin": 7}


@settings(deadline=None)
@given(REPORTS)
def test_no_name_or_text_breaks_the_report(made: Report) -> None:
    found = entries(made)
    assert len({each["fingerprint"] for each in found}) == len(found)
    assert [each["check_name"] for each in found[: len(made.results)]] == [each.rule for each in made.results]
    assert [each["severity"] for each in found].count("blocker") == len(made.problems)
    assert any(each["check_name"] == "not-judged" for each in found) == bool(made.unjudged)
