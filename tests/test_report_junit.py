"""JUnit XML, held to the structure of Jenkins' junit-10.xsd and read as GitLab reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from any_report import REPORTS
from handmade import DOMAIN, FULL, report, result, span
from hypothesis import given, settings
from lxml import etree

from numalint.model.finding import Severity
from numalint.model.report import Problem, Report, Span, Unjudged
from numalint.reporters.junit import suites

STRUCTURE = etree.XMLSchema(
    etree.XML("""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:complexType name="said" mixed="true">
    <xs:attribute name="type" type="xs:string"/>
    <xs:attribute name="message" type="xs:string"/>
  </xs:complexType>
  <xs:complexType name="testcase">
    <xs:choice minOccurs="0" maxOccurs="unbounded">
      <xs:element name="skipped" type="said"/>
      <xs:element name="error" type="said"/>
      <xs:element name="failure" type="said"/>
      <xs:element name="system-out" type="xs:string"/>
      <xs:element name="system-err" type="xs:string"/>
    </xs:choice>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="time" type="xs:string"/>
    <xs:attribute name="classname" type="xs:string"/>
    <xs:attribute name="group" type="xs:string"/>
  </xs:complexType>
  <xs:complexType name="testsuite">
    <xs:choice minOccurs="0" maxOccurs="unbounded">
      <xs:element name="testsuite" type="testsuite"/>
      <xs:element name="testcase" type="testcase"/>
      <xs:element name="system-out" type="xs:string"/>
      <xs:element name="system-err" type="xs:string"/>
    </xs:choice>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
    <xs:attribute name="hostname" type="xs:string"/>
    <xs:attribute name="id" type="xs:string"/>
    <xs:attribute name="package" type="xs:string"/>
    <xs:attribute name="file" type="xs:string"/>
  </xs:complexType>
  <xs:element name="testsuites">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="testsuite" type="testsuite" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="name" type="xs:string"/>
      <xs:attribute name="tests" type="xs:nonNegativeInteger"/>
      <xs:attribute name="failures" type="xs:nonNegativeInteger"/>
      <xs:attribute name="errors" type="xs:nonNegativeInteger"/>
    </xs:complexType>
  </xs:element>
</xs:schema>
""")
)
"""What numalint may write of that schema; in it a count is any text, here it is a number."""


def tree(made: Report) -> Any:
    """The report, read; its structure and its counts are checked."""
    text = suites(made, False)
    assert text == suites(made, True)
    root = etree.fromstring(text.encode())
    STRUCTURE.assertValid(root)
    for element in (root, *root):
        cases = element.findall(".//testcase")
        assert element.get("tests") == str(len(cases))
        assert element.get("failures") == str(len(element.findall(".//failure")))
        assert element.get("errors") == str(len(element.findall(".//error")))
    return root


def as_gitlab(root: Any) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Each test by suite, class and name, the first of those that share them, with its outcome and what is shown."""
    found: dict[tuple[str, str, str], tuple[str, str]] = {}
    for case in root.iter("testcase"):
        said = [child for child in case if child.tag != "system-out"]
        assert len(said) <= 1
        outcome = (said[0].tag, said[0].text or "") if said else ("success", "")
        found.setdefault((case.getparent().get("name"), case.get("classname"), case.get("name")), outcome)
    return found


def test_a_suite_is_a_file_and_a_test_a_domain_and_a_rule() -> None:
    assert suites(report(FULL), False) == (
        """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites name="numalint" tests="2" failures="1" errors="0">
  <testsuite name="numalint" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="numalint" name="everything could be read and run"/>
    <system-out>1 finding (1 warning): 12 domains on 2 hosts, 9 rules.</system-out>
  </testsuite>
  <testsuite name="domains/db1.xml" tests="1" failures="1" errors="0" skipped="0">
    <testcase classname="domains.db1" name="db1: numatune-missing">
      <failure type="warning" message="db1: 2 vCPUs are pinned to node 1 of kvm01, \
but its 16 GiB of memory may come from any node">\
domains/db1.xml:5:6: warning[numatune-missing] db1: 2 vCPUs are pinned to node 1 of kvm01, \
but its 16 GiB of memory may come from any node
why: with memory on the other node every access crosses the interconnect (10 % and more)
help: add &lt;numatune&gt;&lt;memory mode='strict' nodeset='1'/&gt;&lt;/numatune&gt;
see domains/db1.xml:6:31: the other of 2 pins
see domains/db1.xml:2:9: this domain
see hosts/kvm01.xml:4:8: node 1: CPUs 8-15, 32 GiB</failure>
    </testcase>
  </testsuite>
</testsuites>
"""
    )


def test_a_clean_run_has_a_test_that_passed() -> None:
    assert as_gitlab(tree(report())) == {("numalint", "numalint", "everything could be read and run"): ("success", "")}


def test_several_findings_of_a_rule_in_a_domain_are_one_failure_named_by_the_worst() -> None:
    place = span(DOMAIN, "db1")
    found = [
        result(place, severity=severity, message=f"db1: {severity.value}")
        for severity in (Severity.NOTE, Severity.ERROR, Severity.WARNING)
    ]
    root = tree(report(*found))
    (failure,) = root.iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("error", "db1: error (and 2 more)")
    assert failure.text.split("\n\n") == [
        f"domains/db1.xml:2:9: {each}[numatune-missing] db1: {each}" for each in ("note", "error", "warning")
    ]


def test_a_note_is_the_output_of_a_test_that_passed() -> None:
    root = tree(report(result(span(DOMAIN, "db1"), severity=Severity.NOTE, message="db1: it is so")))
    assert root.get("failures") == "0"
    assert root[1].findtext("testcase/system-out") == "domains/db1.xml:2:9: note[numatune-missing] db1: it is so"


def test_what_could_not_be_checked_is_an_error_and_what_was_not_judged_is_skipped() -> None:
    root = tree(
        report(
            problems=(
                Problem(kind="unreadable-host", message="it has no topology", path="hosts/kvm01.xml", line=3, column=2),
                Problem(kind="nothing-judged", message="no libvirt domain was found", help="name a folder"),
            ),
            unjudged=(
                Unjudged(rule="device-remote", host="kvm01", facts=("offline",), domains=3, subjects=("eth0",)),
                Unjudged(rule="numatune-missing", host=None, facts=("nodes",), domains=1),
            ),
        )
    )
    assert as_gitlab(root) == {
        ("numalint", "numalint", "unreadable-host: hosts/kvm01.xml"): (
            "error",
            "hosts/kvm01.xml:3:2: it has no topology",
        ),
        ("numalint", "numalint", "nothing-judged"): ("error", "no libvirt domain was found\nhelp: name a folder"),
        ("numalint", "numalint.not judged", "device-remote on kvm01"): (
            "skipped",
            "Rule device-remote was not judged on 3 domains of host kvm01 (offline unknown: eth0).\n"
            "to know offline: numalint topology capture on the host, or offline under [cpus] in the host's TOML",
        ),
        ("numalint", "numalint.not judged", "numatune-missing without a host"): (
            "skipped",
            "Rule numatune-missing needs a host and was not judged on 1 domain.",
        ),
    }
    assert root[0].get("skipped") == "2"
    assert root[0].findtext("system-out").startswith("No findings, but 2 problems kept numalint from checking")


def test_files_are_told_apart_and_no_absolute_path_gets_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    paths = [str(tmp_path / "a" / "x.xml"), str(tmp_path / "b" / "x.xml"), "-", "hosts/kvm01.example.org/db1.xml"]
    made = report(*(result(Span(path, 1, 2, 3)) for path in paths))
    assert str(tmp_path) not in suites(made, False)
    assert [(suite.get("name"), suite[0].get("classname")) for suite in tree(made)[1:]] == [
        ("x.xml", "x"),
        ("x.xml:2", "x"),
        ("stdin", "stdin"),
        ("hosts/kvm01.example.org/db1.xml", "hosts.kvm01.example.org.db1"),
    ]


@settings(deadline=None)
@given(REPORTS)
def test_no_name_or_text_breaks_the_report(made: Report) -> None:
    root = tree(made)
    seen = as_gitlab(root)
    assert len(seen) == len(list(root.iter("testcase")))
    assert [outcome for outcome, _ in seen.values()].count("error") == (len(made.problems) or int(made.exit_code == 2))
    assert [outcome for outcome, _ in seen.values()].count("skipped") == len(made.unjudged)
    told = "\n".join(root.itertext())
    for each in made.results:
        assert re.search(rf"{each.span.line}:{each.span.column}: {each.severity.value}\[{each.rule}\]", told)
