"""SARIF as GitHub code scanning reads it; each demand is one that some reader makes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from handmade import DOMAIN, FULL, HOST, report, result, span

from numalint.engine.notices import NOTICES
from numalint.model.finding import Severity
from numalint.model.report import Problem, RelatedSpan, Report, RuleCard, Span, Unjudged
from numalint.reporters.line_hash import LineHashes
from numalint.reporters.sarif import log
from numalint.reporters.sarif_values import plain

PAGE = "Every access crosses the interconnect.\n\n**Bad**\n\n```xml\n<vcpu>2</vcpu>\n```\n\n**Fix.** Add `<numatune>`."


def card(id: str, level: Severity = Severity.WARNING) -> RuleCard:
    return RuleCard(
        id=id,
        shape="placement",
        category="memory",
        level=level,
        needs=("nodes",),
        enabled=True,
        summary="Pinned vCPUs have memory that may come from any node",
        description="Every access crosses the interconnect.",
        page=PAGE,
        precision="very-high",
    )


CARDS = (card("numatune-missing"), card("device-remote", Severity.NOTE), *NOTICES.values())


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the files that the reports speak of, which is also the working directory."""
    for path, text in (("domains/db1.xml", DOMAIN), ("hosts/kvm01.xml", HOST)):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_of(made: Report) -> Any:
    (run,) = json.loads(log(made, False))["runs"]
    return run


def sarif_report(*found: Any, **changes: Any) -> Report:
    return report(*found, **({"rules": CARDS} | changes))


def test_a_finding_is_written_whole() -> None:
    (found,) = run_of(sarif_report(FULL))["results"]
    assert found == {
        "ruleId": "numatune-missing",
        "ruleIndex": sorted(each.id for each in CARDS).index("numatune-missing"),
        "level": "warning",
        "message": {
            "text": "db1: 2 vCPUs are pinned to node 1 of kvm01, but its 16 GiB of memory may come from any node. "
            "See [the other of 2 pins](1), [this domain](2), [node 1: CPUs 8-15, 32 GiB](3). "
            "With memory on the other node every access crosses the interconnect (10 % and more). "
            "Add <numatune><memory mode='strict' nodeset='1'/></numatune>."
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "domains/db1.xml", "uriBaseId": "%SRCROOT%"},
                    "region": {
                        "startLine": 5,
                        "startColumn": 6,
                        "endLine": 5,
                        "endColumn": 22,
                        "snippet": {"text": "vcpupin vcpu='0'"},
                    },
                    "contextRegion": {
                        "startLine": 4,
                        "endLine": 6,
                        "snippet": {
                            "text": "  <cputune>\n    <vcpupin vcpu='0' cpuset='8'/>\n    <vcpupin vcpu='1' cpuset='9'/>"
                        },
                    },
                },
                "logicalLocations": [
                    {"name": "vcpupin", "fullyQualifiedName": "/domain/cputune/vcpupin", "kind": "element"}
                ],
            }
        ],
        "relatedLocations": [
            related(1, "The other of 2 pins.", "domains/db1.xml", (6, 31), "9"),
            related(2, "This domain.", "domains/db1.xml", (2, 9), "db1"),
            related(3, "Node 1: CPUs 8-15, 32 GiB.", "hosts/kvm01.xml", (4, 8), "cell id='1'"),
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": LineHashes(DOMAIN.encode())[4],
            "numalint/v1": "0123456789abcdef",
        },
        "properties": {"domain": "db1", "host": "kvm01"},
    }


def related(id: int, message: str, uri: str, place: tuple[int, int], text: str) -> dict[str, Any]:
    line, column = place
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + len(text)}
    return {
        "id": id,
        "message": {"text": message},
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
            "region": region | {"snippet": {"text": text}},
        },
    }


def test_a_clean_run_has_rules_and_an_empty_list_of_results() -> None:
    text = log(sarif_report(), False)
    document = json.loads(text)
    assert list(document) == ["$schema", "version", "runs"]
    assert (document["$schema"], document["version"]) == ("https://json.schemastore.org/sarif-2.1.0.json", "2.1.0")
    (run,) = document["runs"]
    assert run["results"] == []
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"description": {"text": "The root of the checked repository."}}}
    assert run["invocations"] == [
        {
            "executionSuccessful": True,
            "exitCode": 0,
            "exitCodeDescription": "no finding at or above the failing severity",
            "toolExecutionNotifications": [],
            "properties": {"coverage": json.loads(msgspec.json.encode(sarif_report().coverage))},
        }
    ]
    assert "automationDetails" not in run
    assert text.endswith("}\n")


def test_every_rule_is_described_in_full_in_order_of_id() -> None:
    driver = run_of(sarif_report())["tool"]["driver"]
    assert {key: driver[key] for key in ("name", "version", "semanticVersion", "informationUri")} == {
        "name": "numalint",
        "version": "0.1.0",
        "semanticVersion": "0.1.0",
        "informationUri": "https://github.com/numalint/numalint",
    }
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == sorted(each.id for each in CARDS)
    assert driver["rules"][ids.index("numatune-missing")] == {
        "id": "numatune-missing",
        "name": "NumatuneMissing",
        "shortDescription": {"text": "Pinned vCPUs have memory that may come from any node."},
        "fullDescription": {"text": "Every access crosses the interconnect."},
        "help": {
            "text": "Every access crosses the interconnect.\n\nBad\n\n<vcpu>2</vcpu>\n\nFix. Add `<numatune>`.",
            "markdown": "# numatune-missing\n\n**Pinned vCPUs have memory that may come from any node**\n\n"
            f"warning · memory · needs the host's nodes\n\n{PAGE}\n",
        },
        "helpUri": "https://github.com/numalint/numalint/blob/main/rules/README.md#numatune-missing",
        "defaultConfiguration": {"level": "warning"},
        "properties": {
            "tags": ["libvirt", "numa", "memory"],
            "precision": "very-high",
            "problem.severity": "warning",
        },
    }
    severities = {rule["id"]: rule["properties"]["problem.severity"] for rule in driver["rules"]}
    assert (severities["device-remote"], severities["malformed-domain"]) == ("recommendation", "error")
    assert "security" not in json.dumps(driver)


def test_a_level_other_than_the_rules_own_is_written() -> None:
    found = run_of(sarif_report(result(span(DOMAIN, "db1"), rule="device-remote")))["results"]
    assert found[0]["level"] == "warning"


def test_a_version_that_is_not_semantic_is_no_semantic_version() -> None:
    driver = run_of(sarif_report(version="0.2.0.dev1"))["tool"]["driver"]
    assert driver["version"] == "0.2.0.dev1"
    assert "semanticVersion" not in driver


def test_what_could_not_be_checked_is_an_error_of_the_run_and_what_was_not_judged_a_note() -> None:
    invocation = run_of(
        sarif_report(
            problems=(
                Problem(kind="unreadable-host", message="it has no topology", path="hosts/kvm01.xml", line=3, column=2),
                Problem(kind="nothing-judged", message="no libvirt domain was found", help="name a folder"),
            ),
            unjudged=(
                Unjudged(rule="device-remote", host="kvm01", facts=("pci-node",), domains=3, subjects=("eth0",)),
                Unjudged(rule="numatune-missing", host=None, facts=("nodes",), domains=1),
            ),
            exit_code=2,
        )
    )["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert invocation["toolExecutionNotifications"] == [
        {
            "level": "error",
            "message": {"text": "It has no topology."},
            "descriptor": {"id": "unreadable-host"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "hosts/kvm01.xml", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 3, "startColumn": 2},
                    }
                }
            ],
        },
        {
            "level": "error",
            "message": {"text": "No libvirt domain was found. Name a folder."},
            "descriptor": {"id": "nothing-judged"},
        },
        {
            "level": "note",
            "message": {
                "text": "Rule device-remote was not judged on 3 domains of host kvm01 (pci-node unknown: eth0). "
                "To know pci-node: virsh nodedev-dumpxml of each device that virsh nodedev-list names; where the firmware "
                "does not say, pci of each node in the host's TOML."
            },
            "descriptor": {"id": "not-judged"},
            "associatedRule": {
                "id": "device-remote",
                "index": sorted(each.id for each in CARDS).index("device-remote"),
            },
            "properties": {"host": "kvm01", "facts": ["pci-node"], "domains": 3, "subjects": ["eth0"]},
        },
        {
            "level": "note",
            "message": {"text": "Rule numatune-missing needs a host and was not judged on 1 domain."},
            "descriptor": {"id": "not-judged"},
            "associatedRule": {
                "id": "numatune-missing",
                "index": sorted(each.id for each in CARDS).index("numatune-missing"),
            },
            "properties": {"facts": ["nodes"], "domains": 1, "subjects": []},
        },
    ]


def test_rules_not_judged_leave_the_run_successful_and_every_notification_is_described() -> None:
    lacking = Unjudged(rule="device-remote", host=None, facts=("pci",), domains=1)
    run = run_of(sarif_report(FULL, unjudged=(lacking,), exit_code=1))
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["exitCodeDescription"] == "findings at or above the failing severity"
    assert [each["id"] for each in run["tool"]["driver"]["notifications"]] == sorted(NOTICES)


def uri_of(path: str, **changes: Any) -> Any:
    (found,) = run_of(sarif_report(result(Span(path, 1, 1, 2)), files={path: DOMAIN}, **changes))["results"]
    return found["locations"][0]["physicalLocation"]["artifactLocation"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("domains/db1.xml", "domains/db1.xml"),
        ("büro web.xml", "b%C3%BCro%20web.xml"),
        ("100%.xml", "100%25.xml"),
        ("a:b.xml", "a%3Ab.xml"),
        ("a#b?c.xml", "a%23b%3Fc.xml"),
        ("\udcff.xml", "%FF.xml"),
        ("./domains/../domains/db1.xml", "domains/db1.xml"),
    ],
)
def test_uris_are_encoded(path: str, uri: str) -> None:
    assert uri_of(path) == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_uris_are_relative_to_the_root_and_not_to_the_working_directory(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "domains")
    assert uri_of("db1.xml", root=str(repository)) == {"uri": "domains/db1.xml", "uriBaseId": "%SRCROOT%"}
    assert uri_of("../hosts/kvm01.xml", root="..")["uri"] == "hosts/kvm01.xml"
    assert uri_of(str(repository / "hosts/kvm01.xml"), root="..")["uri"] == "hosts/kvm01.xml"


def test_a_symbolic_link_is_resolved(repository: Path) -> None:
    (repository / "link.xml").symlink_to("domains/db1.xml")
    assert uri_of("link.xml")["uri"] == "domains/db1.xml"


def test_what_lies_outside_the_root_is_no_related_place_and_never_an_absolute_path(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = str(tmp_path_factory.mktemp("else") / "büro.xml")
    one = result(
        Span(outside, 1, 1, 2),
        related=(RelatedSpan(Span(outside, 2, 1, 2), "out"), RelatedSpan(span(DOMAIN, "db1"), "in")),
    )
    lacking = Problem(kind="unreadable-file", message="it cannot be read", path=outside)
    told = Problem(kind="rule-failed", message=f"{repository}/domains/db1.xml failed")
    text = log(sarif_report(one, problems=(lacking, told)), False)
    run = json.loads(text)["runs"][0]
    (found,) = run["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "b%C3%BCro.xml"}
    assert "See [in](1)." in found["message"]["text"]
    assert [place["id"] for place in found["relatedLocations"]] == [1]
    messages = [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert messages == ["büro.xml: it cannot be read.", "domains/db1.xml failed."]
    assert str(repository) not in text
    assert str(Path(outside).parent) not in text


def test_standard_input_has_a_name() -> None:
    assert uri_of("-") == {"uri": "stdin"}


def message_of(**changes: Any) -> str:
    (found,) = run_of(sarif_report(result(span(DOMAIN, "db1"), **changes)))["results"]
    return str(found["message"]["text"])


def test_the_message_is_made_of_sentences() -> None:
    made = message_of(message="db1: it is so", why="vCPUs wait\n  for memory.", help="pin  them!")
    assert made == "db1: it is so. vCPUs wait for memory. Pin them!"


def test_brackets_in_names_make_no_link() -> None:
    place = span(DOMAIN, "db1")
    assert message_of(message="[x](http://e) is [y]", related=(RelatedSpan(place, r"a[0]\b"),)) == (
        r"\[x](http://e) is [y]. See [a\[0\]\\b](1)."
    )


@pytest.mark.parametrize(
    ("element", "name", "kind"),
    [
        ("/domain/numatune/memory/@nodeset", "nodeset", "attribute"),
        ("/domain/cputune/vcpupin[2]", "vcpupin", "element"),
        ("/domain/devices/hostdev[2]/text()", "hostdev", "text"),
        ("node.1", "node.1", None),
    ],
)
def test_the_element_is_the_logical_location(element: str, name: str, kind: str | None) -> None:
    (found,) = run_of(sarif_report(result(span(DOMAIN, "db1"), element=element)))["results"]
    expected = {"name": name, "fullyQualifiedName": element} | ({"kind": kind} if kind else {})
    assert found["locations"][0]["logicalLocations"] == [expected]


def region_of(where: Span, text: str | bytes) -> Any:
    (found,) = run_of(sarif_report(result(where), files={where.path: text}))["results"]
    return found["locations"][0]["physicalLocation"]


def test_columns_count_code_points_and_leave_the_byte_order_mark_out() -> None:
    place = region_of(Span("a.xml", 1, 5, 7), "\ufeff<a>🦆中文</a>\r\n<b/>\r\n")
    assert place["region"]["snippet"] == {"text": "中文"}
    assert place["contextRegion"] == {"startLine": 1, "endLine": 2, "snippet": {"text": "<a>🦆中文</a>\n<b/>"}}


@pytest.mark.parametrize(
    ("where", "text", "region"),
    [
        (Span("a.xml", 1, 4, 5), "<a>", (1, 3, 1, 4, ">")),
        (Span("a.xml", 3, 1, 2), "<a>\n<b\n\n", (2, 2, 2, 3, "b")),
        (Span("a.xml", 9, 1, 2), "<a>\n", (1, 3, 1, 4, ">")),
    ],
    ids=["past the end of a line", "on an empty line", "past the end of the file"],
)
def test_a_place_behind_the_text_becomes_the_character_before_it(where: Span, text: str, region: Any) -> None:
    made = region_of(where, text)["region"]
    keys = ("startLine", "startColumn", "endLine", "endColumn")
    assert (*(made[key] for key in keys), made["snippet"]["text"]) == region


def test_of_a_file_that_is_one_long_line_only_the_place_is_quoted() -> None:
    place = region_of(Span("a.xml", 1, 2, 3), "<a>" + "x" * 5_000)
    assert "contextRegion" not in place
    assert place["region"]["snippet"] == {"text": "a"}


def test_a_file_that_is_empty_or_gone_still_gives_a_region() -> None:
    for text in ({"a.xml": b""}, {}):
        made = sarif_report(result(Span("a.xml", 1, 1, 2)), files=text)
        (found,) = run_of(made)["results"]
        place = found["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] == 1
        assert "contextRegion" not in place


def test_data_is_kept_for_machines() -> None:
    (found,) = run_of(sarif_report(result(span(DOMAIN, "db1"), host=None, data={"vcpus": 8, "node": "1"})))["results"]
    assert found["properties"] == {"domain": "db1", "data": {"vcpus": 8, "node": "1"}}


def test_the_same_report_gives_the_same_bytes_with_no_time_in_it() -> None:
    first, second = log(sarif_report(FULL, FULL), False), log(sarif_report(FULL, FULL), True)
    assert first == second
    assert not re.search(r"Utc|20\d\d-\d\d", first)


def test_only_values_of_sarif_become_json() -> None:
    assert plain({"a": [1, None, "\udcff"], "b": None}) == {"a": [1, None, "\ufffd"]}
    with pytest.raises(TypeError, match="is no value of SARIF"):
        plain({"a"})
