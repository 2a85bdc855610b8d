"""Files with bytes put in, taken out and changed: no input ends in a traceback, and none that cannot be read is green.

A longer run: NUMALINT_FUZZ=20000 pytest tests/test_fuzz.py
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

import numalint
from numalint.engine.baseline import read_baseline
from numalint.loaders.config_file import load_config
from numalint.loaders.document import LoadError
from numalint.model.report import Report
from numalint.reporters.json import whole
from numalint.reporters.sarif import log
from numalint.reporters.text import results

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
DOMAINS = sorted(EXAMPLES.glob("*/*.xml")) + sorted(EXAMPLES.glob("fleet/*/*.xml"))
HOSTS = [
    *sorted(EXAMPLES.glob("hosts/*.toml")),
    *sorted(EXAMPLES.glob("hosts/*/*.xml")),
    *sorted(EXAMPLES.glob("fleet/hosts/*.toml")),
]
CONFIGS = [EXAMPLES / "numalint.toml", EXAMPLES / "fleet" / "numalint.toml"]
WORDS = [b"<", b">", b"/", b"'", b'"', b"&", b"&#0;", b"]]>", b"<!--", b"-->", b"<a/>", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\n", b"^", b"-", b",", b"0",
         b"-1", b"4294967296", b"99999999999999999999", b"0x", b"1e9", b"auto", b"strict", b"id", b"cpus", b"<cell id='0'/>", b"[", b"]", b"=", b"{", b"}"]  # fmt: skip

examples = int(os.environ.get("NUMALINT_FUZZ", "60"))
fuzzed = settings(
    max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
changes = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 40), st.one_of(st.sampled_from(WORDS), st.binary(max_size=4))),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """The bytes with some of them, from a place on, taken out, and others put there."""
    for at, length, new in changes:
        place = at % (len(data) + 1)
        data = data[:place] + new + data[place + length :]
    return data


def refused(read: Callable[[], object]) -> str:
    """What is said of an input that cannot be read."""
    try:
        read()
    except LoadError as error:
        return error.message or pytest.fail("it is refused without a word")
    return ""


def reported(report: Report) -> None:
    """The report in its formats: they agree on what was found."""
    text, json, sarif = results(report, False), whole(report, False), log(report, False)
    for each in report.results:
        assert f"[{each.rule}]" in text
        assert f'"{each.rule}"' in json
        assert f'"{each.rule}"' in sarif


@fuzzed
@given(st.sampled_from(DOMAINS), changes, st.sampled_from(["pack:2 numa:1(memory=64GiB) core:8 pu:2", None]))
def test_a_domain_is_judged_or_refused(file: Path, edits: list[tuple[int, int, bytes]], host: str | None) -> None:
    data = changed(file.read_bytes(), edits)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domain.xml"
        path.write_bytes(data)
        report = numalint.check(path, **({} if host is None else {"host": host}))
    reported(report)
    assert not [each for each in report.problems if each.kind == "rule-failed"]
    try:
        etree.fromstring(data)
    except (etree.XMLSyntaxError, ValueError):
        # a stream of several documents is no document, and is read all the same
        assert report.exit_code == 2 or report.coverage.domains > 1 or data.count(b"<domain") > 1 or b"<!--" in data


@fuzzed
@given(st.sampled_from(HOSTS), changes)
def test_a_host_is_read_or_refused(file: Path, edits: list[tuple[int, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        path.write_bytes(changed(file.read_bytes(), edits))
        domain = Path(folder) / "domain.xml"
        domain.write_bytes(DOMAINS[0].read_bytes())
        report = numalint.check(domain, host=str(path))
    reported(report)
    assert not [each for each in report.problems if each.kind == "rule-failed"]
    assert report.coverage.hosts or report.exit_code == 2


@fuzzed
@given(st.sampled_from(CONFIGS), changes)
def test_a_configuration_is_read_or_refused(file: Path, edits: list[tuple[int, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numalint.toml"
        path.write_bytes(changed(file.read_bytes(), edits))
        assert "\x00" not in refused(lambda: load_config(path))


@fuzzed
@given(changes)
def test_a_baseline_is_read_or_refused(edits: list[tuple[int, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "baseline.json"
        path.write_bytes(changed((EXAMPLES / "fleet" / "numalint-baseline.json").read_bytes(), edits))
        assert "\x00" not in refused(lambda: read_baseline(str(path)))
