"""What holds for any domain on any host: it is judged or refused, pointed at where it is written, and the same however it is laid out.

A longer run: NUMALINT_FUZZ=2000 pytest tests/test_any_domain.py
"""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from any_domain import ANY_DOMAIN, READABLE
from any_host_text import synthetic, toml
from any_input import ends, read_domains
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

import numalint
from numalint.engine.notices import LEFT_OUT, NOT_JUDGED
from numalint.loaders.document import lines_of
from numalint.model.idset import IdSet, NotationError
from numalint.model.report import Report
from numalint.reporters import concise, github, gitlab, junit, sarif, text
from numalint.reporters import json as json_report

fuzzed = settings(
    max_examples=int(os.environ.get("NUMALINT_FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
HOST = "pack:2 numa:1(memory=64GiB) l3:2 core:4 pu:2"
HOSTS = st.tuples(st.just("a.host.toml"), toml()) | st.tuples(st.none(), synthetic())
"""A host that is a file, with its name, or a string."""

Lines = Counter[tuple[str, int]]
"""How often each rule has something to say about each line."""


def checked(domain: str, name: str | None = None, host: str = HOST) -> Report:
    """The report on a domain, on a host that is a string or, with a ``name``, a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xml"
        path.write_bytes(domain.encode())
        if name is not None:
            (Path(folder) / name).write_bytes(host.encode())
        return numalint.check(path, host=host if name is None else str(Path(folder) / name))


def is_xml(data: bytes) -> bool:
    try:
        etree.fromstring(data)
    except (etree.XMLSyntaxError, ValueError):
        return False
    return True


@fuzzed
@given(ANY_DOMAIN, HOSTS)
def test_any_domain_on_any_host_is_judged_or_refused(domain: str, host: tuple[str | None, str]) -> None:
    report = checked(domain, *host)
    assert not [each.message for each in report.problems if each.kind == "rule-failed"]
    assert is_xml(domain.encode()) or report.exit_code == 2
    assert report.coverage.hosts or report.exit_code == 2
    assert all(
        each.message for each in report.results
    )  # one that quotes a value has its line ends, which reports escape
    assert all(each.message and "\n" not in each.message for each in report.problems)


@fuzzed
@given(ANY_DOMAIN)
def test_what_is_found_points_at_the_value_that_it_is_about(domain: str) -> None:
    ends(read_domains, domain.encode())


@fuzzed
@given(ANY_DOMAIN)
def test_all_formats_tell_the_same_findings_on_the_same_lines(domain: str) -> None:
    report = checked(domain)
    lines = lines_of(domain.encode())
    for each in report.results:
        assert each.span.column < each.span.end_column <= max(len(lines[each.span.line - 1]), 1) + 1
    found = Counter((each.rule, each.span.line) for each in report.results)
    assert in_text(text.results(report, False)) == found
    assert in_lines(concise.results(report, False)) == found
    assert in_json(json_report.whole(report, False)) == found
    assert in_sarif(sarif.log(report, False)) == found
    assert in_gitlab(gitlab.code_quality(report, False)) == found
    assert in_junit(junit.suites(report, False)) == found
    for shown in (text.results(report, False), concise.results(report, False), github.commands(report, False)):
        assert not [char for char in shown if not (char.isprintable() or char == "\n")]


def in_text(shown: str) -> Lines:
    heads = re.findall(r"^(?:error|warning|note)\[([\w-]+)\]: .*\n +--> .*:(\d+):\d+$", shown, re.MULTILINE)
    return Counter((rule, int(line)) for rule, line in heads)


def in_lines(shown: str) -> Lines:
    heads = re.findall(r"^[^ ]*\.xml:(\d+):\d+: (?:error|warning|note)\[([\w-]+)\] ", shown, re.MULTILINE)
    return Counter((rule, int(line)) for line, rule in heads)


def in_json(written: str) -> Lines:
    return Counter((each["rule"], each["span"]["line"]) for each in json.loads(written)["results"])


def in_sarif(written: str) -> Lines:
    (run,) = json.loads(written)["runs"]
    places = ((each["ruleId"], each["locations"][0]["physicalLocation"]) for each in run["results"])
    return Counter((rule, place["region"]["startLine"]) for rule, place in places)


def in_gitlab(written: str) -> Lines:
    own = [each for each in json.loads(written) if each["check_name"] not in (NOT_JUDGED, LEFT_OUT)]
    return Counter((each["check_name"], each["location"]["lines"]["begin"]) for each in own)


def in_junit(written: str) -> Lines:
    _, *files = etree.fromstring(written.encode())
    return in_lines("\n".join(said.text for suite in files for case in suite for said in case))


def rewritten(root: etree._Element, draw: random.Random) -> str:
    """The same domain with other quotes, white space, comments, and another order of what libvirt has in any order."""
    for element in list(root.iter("*")):
        pairs = list(element.attrib.items())
        draw.shuffle(pairs)
        element.attrib.clear()
        element.attrib.update(pairs)
        if element.tag in ("domain", "cputune", "numatune") and not named_twice(element):
            element[:] = draw.sample(list(element), len(element))
        if len(element) and not (element.text or "").strip():
            element.text = draw.choice(["", "\n\n", "\t", " \r\n"])
        if element is not root and draw.random() < 0.3:
            element.addprevious(etree.Comment(" a 'comment' "))
    return etree.tostring(root, encoding="unicode", pretty_print=draw.random() < 0.5)


def named_twice(section: etree._Element) -> bool:
    """Whether two of its elements are about one thing: which of them counts is a matter of their order."""
    told = [
        (each.tag, number) for each in section if each.tag in ABOUT for number in ids(each.get(ABOUT[each.tag], ""))
    ]
    return len(set(told)) < len(told)


ABOUT = {
    "vcpupin": "vcpu",
    "iothreadpin": "iothread",
    "memnode": "cellid",
    "vcpusched": "vcpus",
    "iothreadsched": "iothreads",
}


def ids(text: str) -> list[object]:
    """The numbers of a set, else the text."""
    try:
        return list(IdSet.parse(text))
    except NotationError:
        return [text]


def essence(report: Report) -> Iterator[tuple[str, str, str]]:
    yield from sorted((each.rule, each.message, each.fingerprint) for each in report.results)


@fuzzed
@given(READABLE, st.randoms(use_true_random=False))
def test_a_domain_that_is_written_otherwise_has_the_same_findings(domain: str, draw: random.Random) -> None:
    other = rewritten(etree.fromstring(domain.encode()), draw)
    assert list(essence(checked(domain))) == list(essence(checked(other)))
