"""What people read: the whole of it, and the columns under it."""

from __future__ import annotations

import re

import pytest
from handmade import FULL, report, result, span

from numalint.model.finding import Severity
from numalint.model.host import Fact
from numalint.model.report import Coverage, Problem, RelatedSpan, Span, Unjudged
from numalint.reporters.terminal import printable
from numalint.reporters.text import problems, results, summary
from numalint.reporters.unjudged import sources


def test_a_finding_is_told_with_its_lines_its_reason_and_what_to_write() -> None:
    assert results(report(FULL), False) == (
        """\
warning[numatune-missing]: db1: 2 vCPUs are pinned to node 1 of kvm01, but its 16 GiB of memory may come from any node
 --> domains/db1.xml:5:6
  |
2 |   <name>db1</name>
  |         --- this domain
...
5 |     <vcpupin vcpu='0' cpuset='8'/>
  |      ^^^^^^^^^^^^^^^^ first of 2 pins, all on node 1
6 |     <vcpupin vcpu='1' cpuset='9'/>
  |                               - the other of 2 pins
 ::: hosts/kvm01.xml:4:8
  |
4 |       <cell id='1'/>
  |        ----------- node 1: CPUs 8-15, 32 GiB
  = why: with memory on the other node every access crosses the interconnect (10 % and more)
  = help: add <numatune><memory mode='strict' nodeset='1'/></numatune>
  = more: numalint explain numatune-missing
"""
    )


def test_findings_are_set_apart_and_the_gutter_takes_the_widest_number() -> None:
    text = "\n" * 9 + "<vcpu>9</vcpu>\n"
    one = result(
        Span("a.xml", 10, 2, 6),
        rule="a-rule",
        severity=Severity.NOTE,
        message="a: it is so",
        label="here",
        help="write\n  <vcpu>8</vcpu>\nin its place",
    )
    expected = """\
note[a-rule]: a: it is so
  --> a.xml:10:2
   |
10 | <vcpu>9</vcpu>
   |  ^^^^ here
   = help: write
             <vcpu>8</vcpu>
           in its place
   = more: numalint explain a-rule
"""
    assert results(report(one, files={"a.xml": text}), False) == expected
    assert results(report(one, one, files={"a.xml": text}), False) == f"{expected}\n{expected}"
    assert results(report(), False) == ""


def marked(text: str, part: str) -> tuple[str, str]:
    """The line of an excerpt and the line with the mark."""
    where = span(text, part, "a.xml")
    lines = results(report(result(where, label=""), files={"a.xml": text}), False).split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{where.line} | "))
    return lines[at], lines[at + 1]


@pytest.mark.parametrize(
    ("text", "line", "mark"),
    [
        ("<name>db</name>", "1 | <name>db</name>", "  |       ^^"),
        ("<!-- 中文 --><n>db</n>", "1 | <!-- 中文 --><n>db</n>", "  |                 ^^"),
        ("<!-- e\u0301 --><n>db</n>", "1 | <!-- e\u0301 --><n>db</n>", "  |              ^^"),
        ("\t\t<n>db</n>", "1 |   <n>db</n>", "  |      ^^"),
        ("<n>\x1b[2J db</n>", "1 | <n>\\x1b[2J db</n>", "  |            ^^"),
        ("\ufeff<n>db</n>\r\n", "1 | <n>db</n>", "  |    ^^"),
    ],
    ids=["plain", "wide", "combining", "tabs", "escape", "byte order mark"],
)
def test_the_mark_stands_under_the_place(text: str, line: str, mark: str) -> None:
    where = span(text.removeprefix("\ufeff"), "db", "a.xml")
    lines = results(report(result(where, label=""), files={"a.xml": text}), False).split("\n")
    assert lines[3:5] == [line, mark]


def test_a_wide_name_is_marked_over_its_whole_width() -> None:
    assert marked("<name>中文</name>", "中文") == ("1 | <name>中文</name>", "  |       ^^^^")


def test_of_a_long_line_what_is_around_the_place_is_shown() -> None:
    line, mark = marked("<a>" + "<x/>" * 100 + "<vcpu>4</vcpu>" + "<y/>" * 100 + "</a>", "vcpu>4")
    assert line == "1 | ...x/>" + "<x/>" * 9 + "<vcpu>4</vcpu>" + "<y/>" * 25 + "<..."
    assert len(line) == len("1 | ") + 160
    assert line[mark.index("^") : mark.rindex("^") + 1] == "vcpu>4"


def test_two_places_of_a_long_line_each_have_their_own_window() -> None:
    text = "<b/>" * 10 + "<vcpu>4</vcpu>" + "<x/>" * 100 + "<name>db</name>"
    one = result(span(text, "4", "a.xml"), related=(RelatedSpan(span(text, "db", "a.xml"), "this"),))
    lines = results(report(one, files={"a.xml": text}), False).split("\n")[3:7]
    assert [line[mark.index(sign)] for line, mark, sign in ((*lines[:2], "^"), (*lines[2:], "-"))] == ["4", "d"]


def test_without_its_text_a_place_is_told_by_its_label() -> None:
    shown = results(report(result(Span("gone.xml", 3, 4, 5)), files={}), False)
    assert shown.split("\n")[1:4] == [" --> gone.xml:3:4", "  |", "  | first of 2 pins, all on node 1"]
    past = results(report(result(Span("short.xml", 3, 4, 5)), files={"short.xml": "<a/>"}), False)
    assert past.split("\n")[1:4] == [" --> short.xml:3:4", "  |", "  | first of 2 pins, all on node 1"]


def test_nothing_that_drives_a_terminal_gets_out() -> None:
    evil = "x\x1b]0;owned\x07\n\u202egnp\u2028\udcff"
    one = result(
        Span(f"{evil}.xml", 1, 1, 2),
        message=evil,
        label=evil,
        why=evil.replace("\n", ""),
        help=evil,
        related=(RelatedSpan(Span("b.xml", 1, 1, 2), evil),),
    )
    lacking = Unjudged(rule="a", host=evil, facts=("l3",), domains=1, subjects=(evil,))
    whole = report(
        one,
        files={"b.xml": evil},
        problems=(Problem(kind="not-ours", message=evil, path=evil, help=evil),),
        unjudged=(lacking,),
    )
    for text in (results(whole, False), problems(whole, False), summary(whole, False)):
        assert not set("\x1b\x07\u202e\u2028\udcff") & set(text)
        assert "x\\x1b]0;owned\\x07" in text


def test_letters_of_any_script_are_printed_as_they_are() -> None:
    for text in ("büro", "中文", "e\u0301", "می\u200cخواهم", "a\u00a0b"):
        assert printable(text) == text
    assert printable("a\tb\r") == "a\\tb\\r"


def test_colour_only_adds_to_the_text() -> None:
    whole = report(FULL, problems=(Problem(kind="not-ours", message="it is no domain", path="a.xml", help="x"),))
    for render in (results, problems, summary):
        assert re.sub(r"\x1b\[[0-9;]*m", "", render(whole, True)) == render(whole, False) != render(whole, True)
    assert results(whole, True).startswith("\x1b[1;33mwarning[numatune-missing]\x1b[0m\x1b[1m: db1: 2 vCPUs")


def test_problems_are_told_with_place_and_help() -> None:
    told = report(
        problems=(
            Problem(
                kind="unreadable-host", message="it has no topology", path="h.xml", line=3, column=5, help="add it"
            ),
            Problem(kind="nothing-judged", message="no libvirt domain was found in ."),
        )
    )
    assert problems(told, False) == (
        "error: h.xml:3:5: it has no topology\n  = help: add it\nerror: no libvirt domain was found in .\n"
    )
    assert problems(report(), False) == ""
    assert summary(told, False) == (
        "No findings, but 2 problems kept numalint from checking everything: 12 domains on 2 hosts, 9 rules.\n"
    )


@pytest.mark.parametrize(
    ("coverage", "sentence"),
    [
        (Coverage(domains=12, hosts=("kvm01", "kvm02"), rules=9), "12 domains on 2 hosts, 9 rules"),
        (Coverage(domains=1, hosts=("kvm01",), rules=1), "1 domain on 1 host, 1 rule"),
        (Coverage(domains=3, hosts=(), rules=9, without_host=3), "3 domains without a host, 9 rules"),
        (Coverage(domains=3, hosts=("a",), rules=9, without_host=1), "3 domains on 1 host (1 without a host), 9 rules"),
        (Coverage(domains=0, hosts=(), rules=9), "0 domains, 9 rules"),
    ],
)
def test_a_clean_run_says_what_it_covered(coverage: Coverage, sentence: str) -> None:
    assert summary(report(coverage=coverage), False) == f"No findings: {sentence}.\n"


def test_the_summary_says_what_was_not_judged_why_and_how_to_state_it() -> None:
    lacking = (
        Unjudged(rule="device-remote", host=None, facts=("nodes", "pci"), domains=3),
        Unjudged(rule="numatune-missing", host=None, facts=("nodes",), domains=3),
        Unjudged(rule="device-remote", host="kvm01", facts=("pci-node",), domains=3, subjects=("0000:3b:00.0",)),
        Unjudged(rule="vcpus-exceed-node", host="kvm02", facts=("cores", "l3"), domains=1),
        Unjudged(rule="vcpus-exceed-node-cores", host="kvm02", facts=("cores", "l3"), domains=1),
        Unjudged(rule="z", host="kvm02", facts=("isolated",), domains=1, subjects=tuple("abcdef")),
    )
    error = result(Span("a.xml", 1, 1, 2), severity=Severity.ERROR)
    coverage = Coverage(domains=12, hosts=("a", "b"), rules=9, without_host=3, passed_over={"network": 2}, excluded=1)
    assert summary(report(FULL, error, FULL, unjudged=lacking, coverage=coverage), False) == (
        """\
3 findings (1 error, 2 warnings): 12 domains on 2 hosts (3 without a host), 9 rules.
not judged: 2 rules need a host and were not judged on 3 domains; give one with --host FILE, numalint.toml, or a host file beside the domains
not judged: device-remote on kvm01 (pci-node unknown: 0000:3b:00.0), 3 domains
not judged: vcpus-exceed-node, vcpus-exceed-node-cores on kvm02 (cores, l3 unknown), 1 domain
not judged: z on kvm02 (isolated unknown: a, b, c, d and 2 more), 1 domain
  to know cores: virsh capabilities > capabilities.xml
  to know l3: virsh capabilities > capabilities.xml, or cores_per_l3 or [[l3]] in the host's TOML
  to know pci-node: virsh nodedev-dumpxml of each device that virsh nodedev-list names; where the firmware does not say, pci of each node in the host's TOML
  to know isolated: numalint topology capture on the host, or isolated under [cpus] in the host's TOML
passed over: 2 XML files that are no domains (2 network)
excluded: 1 path
"""
    )


def test_one_rule_without_a_host_is_told_in_the_singular() -> None:
    lacking = (Unjudged(rule="a", host=None, facts=("nodes",), domains=1),)
    assert "not judged: 1 rule needs a host and was not judged on 1 domain; give" in summary(
        report(unjudged=lacking), False
    )


def test_every_fact_has_a_source() -> None:
    lacking = Unjudged(rule="a", host="h", facts=tuple(fact.value for fact in Fact), domains=1)
    assert [line.split(":")[0] for line in sources([lacking])] == [f"to know {fact.value}" for fact in Fact]


def test_files_that_are_passed_over_are_counted_by_kind() -> None:
    kinds = {"network": 2, "pool": 11, "a": 1, "b": 1, "c": 1, "d": 1, "\x1b[1m" + "x" * 50: 3}
    coverage = Coverage(domains=1, hosts=(), rules=9, passed_over=kinds)
    told = summary(report(coverage=coverage), False).splitlines()
    shown = "\\x1b[1m" + "x" * 33
    assert (
        f"passed over: 20 XML files that are no domains (11 pool, 3 {shown}, 2 network, 1 a, 3 of other kinds)" in told
    )
    one = Coverage(domains=1, hosts=(), rules=9, passed_over={"none": 1})
    assert "passed over: 1 XML file that is no domain (1 none)" in summary(report(coverage=one), False).splitlines()
