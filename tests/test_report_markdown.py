"""The page for a step's summary, read by a CommonMark parser with tables, as GitHub has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from any_report import REPORTS
from handmade import DOMAIN, FULL, report, result, span
from hypothesis import given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from numalint.model.finding import Severity
from numalint.model.report import Problem, Report, Span, Unjudged
from numalint.reporters.markdown import page
from numalint.reporters.terminal import printable

README = "https://github.com/numalint/numalint/blob/main/rules/README.md#"


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def shown(token: Token) -> str:
    """The text of a line as it is read; its runs of blanks are one."""
    return " ".join("".join(child.content for child in token.children or () if child.type == "text").split())


def table(text: str) -> list[list[str]]:
    """The cells of the page's one table, the head included."""
    tokens = parsed(text)
    rows: list[list[str]] = []
    for number, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        if token.type in ("th_open", "td_open"):
            rows[-1].append(shown(tokens[number + 1]))
    return rows


def test_a_page_has_the_counts_the_findings_and_what_to_write() -> None:
    assert page(report(FULL), False) == (
        f"""\
## numalint: 1 finding (1 warning)

12 domains on 2 hosts, 9 rules.

### Findings

| severity | rule | domain | place | what is wrong |
|---|---|---|---|---|
| warning | [numatune-missing]({README}numatune-missing) | db1 | <code>domains/db1.xml:5:6</code> \
| 2 vCPUs are pinned to node 1 of kvm01, but its 16 GiB of memory may come from any node |

<details>
<summary>numatune-missing: why it hurts, and what to write</summary>

<code>domains/db1.xml:5:6</code>: with memory on the other node every access crosses the interconnect (10 % and more)

```text
add <numatune><memory mode='strict' nodeset='1'/></numatune>
```

</details>
"""
    )


def test_a_clean_run_is_a_heading_and_what_was_covered() -> None:
    assert page(report(), False) == "## numalint: No findings\n\n12 domains on 2 hosts, 9 rules.\n"


def test_errors_stand_first() -> None:
    found = [result(span(DOMAIN, "db1"), severity=severity) for severity in Severity]
    severities = [row[0] for row in table(page(report(*found), False))[1:]]
    assert severities == ["error", "warning", "note"]


def test_what_holds_for_several_places_is_said_once() -> None:
    found = [result(Span("a.xml", line, 1, 2), why="it is slow", help="write\n  <a/>") for line in range(1, 8)]
    text = page(report(*found), False)
    assert text.count("it is slow") == 1
    assert "<code>a.xml:5:1</code> and 2 more: it is slow" in text
    (fence,) = (token for token in parsed(text) if token.type == "fence")
    assert fence.content == "write\n  <a/>\n"


def test_what_could_not_be_checked_and_what_was_not_judged_is_told() -> None:
    made = report(
        problems=(
            Problem(
                kind="unreadable-host", message="it has no topology", path="hosts/kvm01.xml", line=3, help="add it"
            ),
            Problem(kind="nothing-judged", message="no libvirt domain was found"),
        ),
        unjudged=(Unjudged(rule="cpu-offline", host="kvm_01_", facts=("offline",), domains=3),),
    )
    assert page(made, False) == (
        f"""\
## numalint: No findings, but 2 problems kept numalint from checking everything

12 domains on 2 hosts, 9 rules.

### Could not be checked

- [unreadable-host]({README}unreadable-host) <code>hosts/kvm01.xml:3</code>: it has no topology help: add it
- [nothing-judged]({README}nothing-judged): no libvirt domain was found

### Not covered

- not judged: cpu-offline on kvm\\_01\\_ (offline unknown), 3 domains
- to know offline: numalint topology capture on the host, or offline under \\[cpus\\] in the host's TOML
"""
    )


def test_a_page_that_github_would_drop_is_cut_and_says_so() -> None:
    severities = (Severity.NOTE, Severity.ERROR)
    found = [
        result(Span(f"domains/{number}.xml", 1, 1, 2), severity=severities[number % 2], help=f"write {number}" * 30)
        for number in range(10_000)
    ]
    problems = tuple(
        Problem(kind="unreadable-file", message="x" * 100, path=f"{number}.xml") for number in range(9_000)
    )
    lacking = tuple(Unjudged(rule="a", host=f"kvm{number}", facts=("l3",), domains=3) for number in range(9_000))
    text = page(report(*found, problems=problems, unjudged=lacking), False)
    assert 700_000 < len(text.encode()) < 1_000_000
    left_out = {
        noun: int(number.replace(",", ""))
        for number, noun in re.findall(r"Left out, for GitHub takes no longer summary: ([\d,]+) ([a-z' ]+)\.", text)
    }
    assert list(left_out) == ["problems", "findings", "rule's explanation", "lines"]
    rows = table(text)[1:]
    assert len(rows) + left_out["findings"] == 10_000
    assert {row[0] for row in rows} == {"error"}
    assert text.count("[unreadable-file]") + left_out["problems"] == 9_000


def test_paths_start_at_the_root_and_no_absolute_one_gets_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repository" / "fleet").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository" / "fleet")
    problem = Problem(kind="not-ours", message=f"it is like {tmp_path}/repository/b.xml", path=str(tmp_path / "x.xml"))
    found = [result(Span(path, 1, 2, 3)) for path in ("a.xml", str(tmp_path / "c.xml"), "-")]
    text = page(report(*found, problems=(problem,), root=".."), False)
    assert str(tmp_path) not in text
    assert [row[3] for row in table(text)[1:]] == ["fleet/a.xml:1:2", "c.xml:1:2", "stdin:1:2"]
    assert "<code>x.xml</code>: it is like b.xml\n" in text


@settings(deadline=None)
@given(REPORTS)
def test_no_name_or_text_makes_markup_of_its_own(made: Report) -> None:
    text = page(made, False)
    assert text == page(made, True)
    text.encode()
    rows = table(text)
    assert [len(row) for row in rows] == [5] * (len(made.results) + bool(made.results))
    ordered = sorted(made.results, key=lambda each: -each.severity.rank)
    for row, found in zip(rows[1:], ordered, strict=True):
        domain, message = (" ".join(printable(each).split()) for each in (found.domain, found.message))
        assert row[:3] == [found.severity.value, found.rule, domain]
        assert row[3].endswith(f":{found.span.line}:{found.span.column}")
        assert message.endswith(row[4])
    tokens = parsed(text)
    inner = [child for token in tokens for child in token.children or ()]
    assert {child.content for child in inner if child.type == "html_inline"} <= {"<code>", "</code>"}
    kinds = {"text", "html_inline", "link_open", "link_close"}
    assert {child.type for child in inner} <= kinds
    assert all(str(child.attrs["href"]).startswith(README) for child in inner if child.type == "link_open")
    blocks = {"heading_open", "paragraph_open", "bullet_list_open", "table_open", "html_block", "fence"}
    assert {token.type for token in tokens if token.type.endswith("_open")} <= blocks | {
        *("list_item_open", "thead_open", "tbody_open", "tr_open", "th_open", "td_open"),
    }
    for token in tokens:
        if token.type == "html_block":
            assert re.fullmatch(
                r"<details>\n<summary>[a-z0-9-]+: why it hurts, and what to write</summary>\n|</details>\n?",
                token.content,
            )
    helps = {each.help.strip() for each in made.results if each.help.strip()}
    fences = {token.content for token in tokens if token.type == "fence"}
    assert len(fences) <= len(helps)
    assert bool(fences) == bool(helps)
