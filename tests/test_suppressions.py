"""Suppressions: what each form covers, what it does not, and what becomes of one that is wrong, over or idle."""

from __future__ import annotations

import json
import re
import tempfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from numalint import plugins
from numalint.cli import main
from numalint.loaders.document import Document
from numalint.loaders.domain import load_domains
from numalint.loaders.suppressions import NAMESPACE, read_suppressions

PINNED = """<domain type='kvm'>
  <name>db1</name>
  <vcpu>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='1'/>
  </cputune>
</domain>
"""
"""It has a vcpupin-partial at its <vcpu> and an emulatorpin-missing at its <vcpupin>."""

PARTIAL, EMULATOR = "vcpupin-partial", "emulatorpin-missing"
UNUSED, EXPIRED, MALFORMED = "suppression-unused", "suppression-expired", "suppression-malformed"
HOST = "pack:2 numa:1 core:4 pu:1"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, input: str | None = None) -> Result:
    done = CliRunner().invoke(main, arguments, input=input)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def check(*arguments: str, today: str = "2026-06-01", input: str | None = None) -> dict[str, Any]:
    """The report of a check as JSON."""
    done = run("check", *arguments, "-f", "json", "--today", today, input=input)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def rules_of(report: dict[str, Any]) -> list[str]:
    return sorted(result["rule"] for result in report["results"] if result["suppressed"] is None)


def noted(part: str, comment: str, text: str = PINNED) -> str:
    """A domain with a comment on a line of its own in front of the line that has a part."""
    return re.sub(rf"(?m)^(?=.*{re.escape(part)})", lambda _: f"<!-- {comment} -->\n", text, count=1)


def kept(*elements: str, text: str = PINNED) -> str:
    """A domain with suppressions in its metadata."""
    held = f"<n:suppressions xmlns:n='{NAMESPACE}'>{''.join(elements)}</n:suppressions>"
    return text.replace("</domain>", f"<metadata>{held}</metadata></domain>")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (PINNED, [EMULATOR, PARTIAL]),
        (noted("<vcpu>", f"numalint: ignore[{PARTIAL}] it floats"), [EMULATOR]),
        (noted("<vcpu>", f"numalint: ignore [ {PARTIAL} ] it floats"), [EMULATOR]),
        (noted("<vcpu>", f"numalint: ignore[{PARTIAL}] until=2026-06-01 it floats"), [EMULATOR]),
        (noted("<vcpu>", f"numalint: ignore[{PARTIAL}]\n  until=2027-01-01\n  it\n  floats"), [EMULATOR]),
        (noted("<cputune>", f"numalint: ignore[{EMULATOR}] inside it"), [PARTIAL]),
        (noted("<domain", f"numalint: ignore[{EMULATOR}, {PARTIAL}] the whole file"), []),
        (noted("<domain", f"numalint: ignore[{EMULATOR}] one\n--><!-- numalint: ignore[{PARTIAL}] two"), []),
        (f"<?xml version='1.0'?><!-- numalint: ignore[{PARTIAL}] behind the declaration -->\n{PINNED}", [EMULATOR]),
        (f"<domain type='kvm'><!-- numalint: ignore[{PARTIAL}] one line --><vcpu>2</vcpu><cputune><vcpupin vcpu='0' "
         "cpuset='1'/></cputune></domain>", [EMULATOR]),
        (kept(f"<n:ignore rules='{PARTIAL}' reason='it floats'/>"), [EMULATOR]),
        (kept(f"<n:ignore rules='{PARTIAL} {EMULATOR}' reason='it floats' until='2026-06-01'/>"), []),
        (kept(f"<n:ignore rules='{PARTIAL}' reason='x'/>", f"<n:ignore rules='{EMULATOR}' reason='x'/>"), []),
        (PINNED.replace("</domain>", f"<metadata><ignore xmlns='{NAMESPACE}' rules='{PARTIAL}' reason='x'/></metadata></domain>"),
         [EMULATOR]),
        (f"<domstatus><!-- numalint: ignore[{PARTIAL}] in a status -->{PINNED.replace('</vcpu>', '</vcpu><os/>')}</domstatus>", [EMULATOR]),
        (PINNED.replace("<vcpu>", "<!-- numalint is a linter -->\n<!-- see numalint.toml --><vcpu>"), [EMULATOR, PARTIAL]),
    ],
)  # fmt: skip
def test_a_suppression_covers_its_element_with_all_that_is_inside(text: str, left: list[str]) -> None:
    Path("db1.xml").write_text(text)
    report = check("db1.xml")
    assert rules_of(report) == left
    assert report["coverage"]["suppressed"] == 2 - len(left)
    assert rules_of(check("db1.xml", "--no-suppressions")) == [EMULATOR, PARTIAL]


@pytest.mark.parametrize(
    ("comment", "sentence", "help"),
    [
        ("numalint: ignore[vcpupin-partal] a typo", "there is no rule 'vcpupin-partal'", "did you mean 'vcpupin-partial'?"),
        ("numalint: ignore[xyz] a typo", "there is no rule 'xyz'", "numalint rules lists them"),
        (f"numalint: ignore[{PARTIAL}, xyz] half right", "there is no rule 'xyz'", "numalint rules lists them"),
        (f"numalint: ignore[{PARTIAL}]", "it gives no reason", "write <!-- numalint: ignore[rule-name] reason -->"),
        (f"numalint: ignore[{PARTIAL}] :", "it gives no reason", "write <!-- numalint: ignore[rule-name] reason -->"),
        (f"numalint: ignore[{PARTIAL}] until=2027-01-01", "it gives no reason", "write <!-- numalint: ignore"),
        ("numalint: ignore[] all of it", "it names no rule", "write <!-- numalint: ignore[rule-name] reason -->"),
        ("numalint: ignore it floats", "ignore has no [rule-name] behind it", "write <!-- numalint: ignore"),
        (f"numalint: ignore[{PARTIAL} it floats", "ignore has no [rule-name] behind it", "write <!-- numalint: ignore"),
        (f"numalint: disable[{PARTIAL}] x", "it does not start with numalint: ignore[rule-name]", "write <!-- numalint"),
        (f"numalint ignore[{PARTIAL}] x", "it does not start with numalint: ignore[rule-name]", "write <!-- numalint"),
        (f"numalint-ignore: {PARTIAL}", "it does not start with numalint: ignore[rule-name]", "write <!-- numalint"),
        ("numalint: ignore[all] x", "'all' is no rule", "name each rule"),
        ("numalint: ignore[memory] x", "'memory' is no rule", "name each rule"),
        ("numalint: ignore[malformed-domain] x", "malformed-domain may not be suppressed", "mend what it reports"),
        ("numalint: ignore[suppression-unused] x", "suppression-unused may not be suppressed", "mend what it reports"),
        (f"numalint: ignore[{PARTIAL}] until=31.12.2026 x", "'31.12.2026' is no date", "write a date as 2026-12-31"),
        (f"numalint: ignore[{PARTIAL}] until=2026-13-01 x", "'2026-13-01' is no date", "write a date as 2026-12-31"),
        (f"numalint: ignore[{PARTIAL}] until= x", "'' is no date", "write a date as 2026-12-31"),
        (f"numalint: ignore[{PARTIAL}] x until=2026-12-31", "its date does not stand where it is read", "write until="),
        (f"numalint: ignore[{PARTIAL}] until: 2026-12-31 x", "its date does not stand where it is read", "write until="),
    ],
)  # fmt: skip
def test_a_comment_that_cannot_be_obeyed_is_an_error_and_suppresses_nothing(
    comment: str, sentence: str, help: str
) -> None:
    Path("db1.xml").write_text(noted("<domain", comment))
    report = check("db1.xml")
    assert rules_of(report) == [EMULATOR, MALFORMED, PARTIAL]
    (found,) = [result for result in report["results"] if result["rule"] == MALFORMED]
    assert (found["severity"], found["domain"]) == ("error", "db1")
    assert found["message"] == f"db1: this suppression is void: {sentence}"
    assert found["help"].startswith(help)
    assert (found["span"]["path"], found["span"]["line"], found["span"]["column"]) == ("db1.xml", 1, 6)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PINNED.replace("</vcpu>", f"</vcpu> <!-- numalint: ignore[{PARTIAL}] x -->"), "it stands behind something on its line"),
        (PINNED.replace("<cputune>", f"<cputune> <!-- numalint: ignore[{PARTIAL}] x -->"), "it stands behind something on its line"),
        (PINNED.replace("</domain>", f"<!-- numalint: ignore[{PARTIAL}] x -->\n</domain>"), "no element follows it"),
        (PINNED.replace("2</vcpu>", f"2<!-- numalint: ignore[{PARTIAL}] x --></vcpu>"), "no element follows it"),
        (f"{PINNED}<!-- numalint: ignore[{PARTIAL}] x -->\n", "no element follows it"),
        (kept("<n:ignore rules='vcpupin-partal' reason='x'/>"), "there is no rule 'vcpupin-partal'"),
        (kept(f"<n:ignore rule='{PARTIAL}' reason='x'/>"), "there is no attribute 'rule'"),
        (kept(f"<n:ignore rules='{PARTIAL}' reason=' '/>"), "it gives no reason"),
        (kept(f"<n:ignore rules='{PARTIAL}'/>"), "it gives no reason"),
        (kept("<n:ignore reason='x'/>"), "it names no rule"),
        (kept(f"<n:ignore rules='{PARTIAL}' reason='x' until='soon'/>"), "'soon' is no date"),
        (kept(f"<n:ignor rules='{PARTIAL}' reason='x'/>"), "there is no element 'ignor'"),
        (kept(f"<n:suppressions><n:ignore rules='{PARTIAL}' reason='x'/></n:suppressions>"), "there is no element 'suppressions'"),
        (PINNED.replace("<vcpu>", f"<n:ignore xmlns:n='{NAMESPACE}' rules='{PARTIAL}' reason='x'/><vcpu>"),
         "it is not in the <metadata> of a domain"),
        (kept(f"<numalint:ignore xmlns:numalint='http://numalint/' rules='{PARTIAL}' reason='x'/>"),
         "its namespace 'http://numalint/' is not numalint's"),
        (PINNED.replace("</domain>", f"<metadata xmlns:n='{NAMESPACE}'><n:suppressions/><n:ignore rules='{PARTIAL}' reason='x'/>"
                        "</metadata></domain>"),
         "libvirt keeps one element of numalint's in <metadata>, and this is the second"),
    ],
)  # fmt: skip
def test_a_suppression_that_stands_or_is_written_wrongly_is_an_error_and_suppresses_nothing(
    text: str, sentence: str
) -> None:
    Path("db1.xml").write_text(text)
    report = check("db1.xml")
    assert rules_of(report) == [EMULATOR, MALFORMED, PARTIAL]
    assert f"db1: this suppression is void: {sentence}" in [result["message"] for result in report["results"]]


def test_one_that_is_over_is_a_warning_and_suppresses_no_longer() -> None:
    Path("db1.xml").write_text(noted("<vcpu>", f"numalint: ignore[{PARTIAL}] until=2026-06-01 till the move"))
    assert rules_of(check("db1.xml", today="2026-06-01")) == [EMULATOR]
    report = check("db1.xml", today="2026-06-02")
    assert rules_of(report) == [EMULATOR, EXPIRED, PARTIAL]
    (found,) = [result for result in report["results"] if result["rule"] == EXPIRED]
    assert found["severity"] == "warning"
    assert found["message"] == "db1: the suppression of vcpupin-partial ended with 2026-06-01"
    assert "till the move" in found["why"]


@pytest.mark.parametrize(
    ("text", "options", "names"),
    [
        (noted("<domain", "numalint: ignore[vcpus-exceed-node] x"), ("--host", HOST), "vcpus-exceed-node"),
        (noted("<domain", "numalint: ignore[vcpus-exceed-node] x"), (), None),  # it lacks a host
        (noted("<domain", f"numalint: ignore[hugepages-recommended, {PARTIAL}] x"), ("--host", HOST), None),  # it is off
        (noted("<cputune>", f"numalint: ignore[{PARTIAL}] x"), (), PARTIAL),  # the finding is elsewhere
        (noted("<domain", "numalint: ignore[disk-without-iothread] x"), (), "disk-without-iothread"),
        (noted("<domain", f"numalint: ignore[{PARTIAL}, disk-without-iothread] x"), (), "disk-without-iothread"),
        (noted("<domain", "numalint: ignore[disk-without-iothread] x"), ("--select", PARTIAL), None),
        (noted("<domain", "numalint: ignore[disk-without-iothread] x"), ("--ignore", "disk-without-iothread"), None),
        (noted("<domain", "numalint: ignore[pcpu-double-booked] x"), ("--host", HOST), None),  # one file is not the host
        (kept("<n:ignore rules='disk-without-iothread' reason='x'/>"), (), "disk-without-iothread"),
    ],
)  # fmt: skip
def test_one_that_covers_nothing_is_a_note_where_its_rule_was_judged(
    text: str, options: tuple[str, ...], names: str | None
) -> None:
    Path("db1.xml").write_text(text)
    report = check("db1.xml", *options)
    found = [(each["severity"], each["message"]) for each in report["results"] if each["rule"] == UNUSED]
    assert found == ([("note", f"db1: the suppression of {names} covers no finding")] if names else [])


def test_the_notices_can_be_ignored_but_not_suppressed() -> None:
    Path("db1.xml").write_text(noted("<cputune>", f"numalint: ignore[{PARTIAL}] x"))
    assert rules_of(check("db1.xml", "--ignore", UNUSED)) == [EMULATOR, PARTIAL]
    assert "suppression-unused" in run("explain", UNUSED).stdout


def test_in_a_stream_each_domain_has_its_own() -> None:
    other = PINNED.replace("db1", "db2")
    note = f"<!-- numalint: ignore[{PARTIAL}] only the second -->\n"
    report = check("-", input=f"{PINNED}{note}{other}", today="2026-06-01")
    assert [(each["domain"], each["rule"]) for each in report["results"]] == [
        ("db1", PARTIAL), ("db1", EMULATOR), ("db2", EMULATOR)
    ]  # fmt: skip
    held = kept(f"<n:ignore rules='{PARTIAL}' reason='x'/>")
    assert [each["domain"] for each in check("-", input=other + held)["results"]] == ["db2", "db2", "db1"]
    typo = check("-", input=f"{PINNED}<!-- numalint: ignore[x] y -->\n{other}")
    assert [each["domain"] for each in typo["results"] if each["rule"] == MALFORMED] == ["db2"]


def test_a_domain_that_libvirt_refuses_stays_refused() -> None:
    Path("db1.xml").write_text(
        noted("<domain", "numalint: ignore[cpuset-syntax] x", PINNED.replace("cpuset='1'", "cpuset='1-'"))
    )
    report = check("db1.xml")
    assert report["exit_code"] == 2
    assert "cpuset-syntax" in rules_of(report)


def test_exit_codes_count_what_is_not_suppressed() -> None:
    Path("db1.xml").write_text(noted("<domain", f"numalint: ignore[{PARTIAL}] it floats"))
    done = run("check", "db1.xml")
    assert done.exit_code == 0
    assert "1 finding (1 note): 1 domain" in done.stderr
    assert "suppressed: 1 finding (--show-suppressed prints them)" in done.stderr
    shown = run("check", "db1.xml", "--show-suppressed")
    assert shown.exit_code == 0
    assert "1 finding (1 note): 1 domain" in shown.stderr
    assert shown.stderr.rstrip().endswith("suppressed: 1 finding")
    assert run("check", "db1.xml", "--no-suppressions").exit_code == 1
    both = run("check", "db1.xml", "--no-suppressions", "--show-suppressed")
    assert (both.exit_code, "give one of them" in both.stderr) == (2, True)


def test_each_format_marks_what_is_suppressed_or_leaves_it_out() -> None:
    Path("db1.xml").write_text(noted("<domain", f"numalint: ignore[{PARTIAL}] it floats"))
    show = ("check", "db1.xml", "--show-suppressed", "-f")
    assert "while 1 vCPU is pinned (suppressed: it floats)\n" in run(*show, "text").stdout
    dimmed = run("check", "db1.xml", "--show-suppressed", "--color", "always").stdout
    assert "\x1b[2mwarning[vcpupin-partial]: db1: " in dimmed
    assert "while 1 vCPU is pinned (suppressed: it floats)\n" in run(*show, "concise").stdout
    found = json.loads(run(*show, "json").stdout)["results"]
    assert [(each["suppressed"], each["suppressed_by"]) for each in found] == [("it floats", "source"), (None, "")]
    results = json.loads(run(*show, "sarif").stdout)["runs"][0]["results"]
    assert [each["suppressions"] for each in results] == [
        [{"kind": "inSource", "status": "accepted", "justification": "it floats"}],
        [],
    ]
    plain = json.loads(run("check", "db1.xml", "-f", "sarif").stdout)["runs"][0]["results"]
    assert [each["ruleId"] for each in plain] == [EMULATOR]
    assert "suppressions" not in plain[0]
    for format in ("github", "gitlab", "junit", "markdown"):
        assert PARTIAL not in run(*show, format).stdout


ENTRY = "[[ignore]]\nrules = ['vcpupin-partial']\nreason = 'it floats'\n"


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ("", [EMULATOR]),
        ("until = 2026-06-01\nowner = '@infra'\n", [EMULATOR]),
        ("until = '2026-06-01'\n", [EMULATOR]),
        ("domain = 'db*'\n", [EMULATOR]),
        ("path = 'vms/'\n", [EMULATOR]),
        ("path = 'vms/*.xml'\ndomain = 'db1'\n", [EMULATOR]),
        ("domain = 'web*'\n", [EMULATOR, UNUSED, PARTIAL]),
        ("domain = 'DB1'\n", [EMULATOR, UNUSED, PARTIAL]),
        ("path = 'other/'\n", [EMULATOR, UNUSED, PARTIAL]),
        ("path = 'vms/'\ndomain = 'web*'\n", [EMULATOR, UNUSED, PARTIAL]),
        ("host = 'kvm*'\n", [EMULATOR, UNUSED, PARTIAL]),
        ("until = 2026-05-31\n", [EMULATOR, EXPIRED, PARTIAL]),
    ],
)  # fmt: skip
def test_an_entry_of_the_configuration_covers_what_meets_all_its_globs(more: str, left: list[str]) -> None:
    Path("vms").mkdir()
    Path("vms/db1.xml").write_text(PINNED)
    Path("numalint.toml").write_text(ENTRY + more)
    report = check(".")
    assert rules_of(report) == left
    for each in report["results"]:
        if each["rule"] in (UNUSED, EXPIRED):
            assert (each["span"]["path"], each["span"]["line"]) == ("numalint.toml", 1)
    shown = check(".", "--show-suppressed")["results"]
    expected = {("it floats", "configuration")} if PARTIAL not in left else set()
    assert {(each["suppressed"], each["suppressed_by"]) for each in shown} - {(None, "")} == expected


def test_an_entry_may_name_a_host() -> None:
    Path("db1.xml").write_text(PINNED)
    Path("kvm01.host.toml").write_text(
        "format = 1\nname = 'kvm01'\n[topology]\nsockets = 1\ncores_per_node = 4\nthreads_per_core = 1\n"
        "cpu_numbering = 'threads-last'\n"
    )
    Path("numalint.toml").write_text(ENTRY + "host = 'kvm*'\n")
    assert PARTIAL not in rules_of(check("."))
    Path("numalint.toml").write_text(ENTRY + "host = 'kvm02'\n")
    assert PARTIAL in rules_of(check("."))


def test_an_entry_is_told_to_be_idle_only_where_all_that_it_speaks_of_was_looked_at() -> None:
    Path("vms").mkdir()
    Path("vms/db1.xml").write_text(PINNED)
    Path("vms/web1.xml").write_text(PINNED.replace("db1", "web1"))
    Path("numalint.toml").write_text(ENTRY + "domain = 'web*'\n")
    assert UNUSED not in rules_of(check("vms/db1.xml"))
    assert UNUSED not in rules_of(check("vms"))
    assert UNUSED not in rules_of(check(".", "--exclude", "web1.xml"))
    Path("vms/web1.xml").unlink()
    assert UNUSED in rules_of(check("."))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[ignore]]\nrules = ['vcpupin-partal']\nreason = 'x'\n",
         "numalint.toml:1: [[ignore]] 1: there is no rule 'vcpupin-partal'\n  = help: did you mean 'vcpupin-partial'?"),
        (f"{ENTRY}[[ignore]]\nrules = ['memory']\nreason = 'x'\n", "numalint.toml:4: [[ignore]] 2: 'memory' is no rule"),
        ("[[ignore]]\nrules = []\nreason = 'x'\n", "numalint.toml:1: [[ignore]] 1: it names no rule"),
        ("[[ignore]]\nrules = ['vcpupin-partial']\n", "numalint.toml:1: [[ignore]] 1: the key 'reason' is missing"),
        ("[[ignore]]\nrules = ['vcpupin-partial']\nreason = ' '\n", "numalint.toml:1: [[ignore]] 1: it gives no reason"),
        ("[[ignore]]\nreason = 'x'\n", "numalint.toml:1: [[ignore]] 1: the key 'rules' is missing"),
        (f"{ENTRY}until = 'soon'\n", "numalint.toml:4: [[ignore]] 1 until: it is no date such as 2026-12-31"),
        (f"{ENTRY}domains = ['db*']\n", "numalint.toml:4: there is no key 'domains' in [[ignore]] 1\n  = help: did you mean 'domain'?"),
        (f"{ENTRY}domain = ['db*']\n", "[[ignore]] 1 domain: expected a string in quotes, got a list"),
        ("[[ignore]]\nrules = ['malformed-domain']\nreason = 'x'\n", "[[ignore]] 1: malformed-domain may not be suppressed"),
        (f"{ENTRY}[lint]\nunsuppressible = ['vcpupin-partial']\n", "[[ignore]] 1: vcpupin-partial may not be suppressed"),
        ("[lint]\nunsuppressible = ['vcpupin-partal']\n", "numalint.toml:2: lint.unsuppressible: there is no rule 'vcpupin-partal'"),
    ],
)  # fmt: skip
def test_a_slip_in_the_configuration_ends_the_run_with_a_sentence(text: str, sentence: str) -> None:
    Path("db1.xml").write_text(PINNED)
    Path("numalint.toml").write_text(text)
    done = run("check", ".")
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr


@pytest.mark.parametrize("names", ["vcpupin-partial", "vcpu-pinning", "all"])
def test_rules_that_the_configuration_holds_are_not_suppressed(names: str) -> None:
    Path("db1.xml").write_text(noted("<domain", f"numalint: ignore[{PARTIAL}] x"))
    Path("numalint.toml").write_text(f"[lint]\nunsuppressible = ['{names}']\n")
    report = check(".")
    assert rules_of(report) == [EMULATOR, MALFORMED, PARTIAL]
    assert "vcpupin-partial may not be suppressed" in report["results"][0]["message"]


def test_a_rule_may_say_that_it_is_not_to_be_suppressed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("held_pack.py").write_text(
        '"""A rule."""\nimport numalint as n\n'
        "@n.domain_rule('always-here', n.Severity.NOTE, n.Category.MEMORY, suppressible=False)\n"
        "def check(domain):\n    yield n.Finding(domain.place, 'x', 'y')\n"
        "@n.hookimpl\ndef numalint_rules(): return [check]\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    points = [EntryPoint("builtin", "numalint_rules", "numalint"), EntryPoint("pack", "held_pack", "numalint")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "numalint" else [])
    Path("db1.xml").write_text(noted("<domain", "numalint: ignore[always-here] x"))
    assert rules_of(check("db1.xml")) == ["always-here", EMULATOR, MALFORMED, PARTIAL]


def test_a_name_of_a_local_rule_is_no_typo_where_local_rules_are_left_out() -> None:
    Path("rules").mkdir()
    Path("db1.xml").write_text(noted("<domain", f"numalint: ignore[my-own-rule, {PARTIAL}] x"))
    Path("numalint.toml").write_text("rules = ['rules']\n")
    assert rules_of(check("db1.xml", "--no-local-rules")) == [EMULATOR]


def pinned_twice() -> None:
    """Two domains whose vCPU 0 each has the same CPU for itself."""
    for name in ("a", "b"):
        text = f"<domain type='kvm'>\n  <name>{name}</name>\n  <vcpu>1</vcpu>\n  <cputune>\n"
        text += "    <vcpupin vcpu='0' cpuset='1'/>\n    <emulatorpin cpuset='2'/>\n  </cputune>\n</domain>\n"
        Path(f"{name}.xml").write_text(text)


@pytest.mark.parametrize(("name", "covered"), [("a", True), ("b", False)])
def test_a_conflict_is_suppressed_at_its_main_place_alone(name: str, covered: bool) -> None:
    pinned_twice()
    path = Path(f"{name}.xml")
    path.write_text(noted("<domain", "numalint: ignore[pcpu-double-booked] never at once", path.read_text()))
    report = check(".", "--host", HOST, "--select", "pcpu-double-booked")
    assert rules_of(report) == ([] if covered else ["pcpu-double-booked"])


def test_the_place_of_a_conflict_is_where_the_focus_is() -> None:
    pinned_twice()
    Path("numalint.toml").write_text(f"[hosts.kvm01]\ntopology = '{HOST}'\ndomains = ['*.xml']\n")
    for name in "ab":
        path = Path(f"{name}.xml")
        path.write_text(noted("<domain", "numalint: ignore[pcpu-double-booked] never at once", path.read_text()))
    select = ("--select", "pcpu-double-booked")
    assert [rules_of(check(path, *select)) for path in (".", "a.xml", "b.xml")] == [[], [], []]


def test_the_same_input_gives_the_same_bytes() -> None:
    Path("db1.xml").write_text(noted("<domain", f"numalint: ignore[{PARTIAL}] until=2026-01-01 x"))
    Path("numalint.toml").write_text(ENTRY)
    for format in ("text", "concise", "json", "sarif"):
        command = ("check", ".", "-f", format, "--show-suppressed", "--today", "2026-06-01")
        assert run(*command).stdout == run(*command).stdout
    assert "--today" not in run("check", "--help").stdout


def test_places_of_suppressions_agree_with_those_of_findings() -> None:
    text = (
        f"\ufeff<domain><!-- a --><a/>\r\n<b ä='1'><!-- numalint: ignore[{PARTIAL}] é --><c/><d><e/></d></b></domain>"
    )
    (written,) = read_suppressions(Document("x.xml", text.encode()))
    (domain,) = load_domains(Document("x.xml", text.encode()))
    assert (written.first, written.last, written.element) == (3, 3, "/domain/b/c")
    assert (written.span.line, written.span.column, written.span.end_column) == (2, 15, 48)
    assert list(domain.place.locator.iter("*"))[written.first].tag == "c"


NAMES = st.sampled_from(
    [PARTIAL, EMULATOR, "numatune-missing", "disk-without-iothread", "xyz", "memory", "all", "*", ""]
)
FORMS = st.sampled_from(["<domain", "<name>", "<vcpu>", "<cputune>", "<vcpupin", "</cputune>", "</domain>"])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(FORMS, st.lists(NAMES, max_size=3), st.sampled_from([" x", "", " until=2027-01-01 x", " until=x", "]"])),
        max_size=3,
    ),
    st.lists(st.lists(NAMES, min_size=1, max_size=2), max_size=2),
    st.booleans(),
)  # fmt: skip
def test_a_suppression_never_hides_a_finding_of_a_rule_that_it_does_not_name(
    comments: list[tuple[str, list[str], str]], elements: list[list[str]], on_a_host: bool
) -> None:
    text, named = PINNED, set[str]()
    for part, names, rest in comments:
        text = noted(part, f"numalint: ignore[{', '.join(names)}]{rest}", text)
        named.update(names)
    for names in elements:
        named.update(names)
    text = kept(*(f"<n:ignore rules='{' '.join(names)}' reason='x'/>" for names in elements), text=text)
    options = ("--host", HOST) if on_a_host else ()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db1.xml"
        path.write_text(text)
        bare = check(str(path), "--no-suppressions", *options)
        report = check(str(path), *options)
        shown = check(str(path), "--show-suppressed", *options)
    notices = {UNUSED, EXPIRED, MALFORMED}
    assert set(rules_of(bare)) - set(rules_of(report)) <= named
    assert [each for each in rules_of(bare) if each not in named] == [
        each for each in rules_of(report) if each not in named | notices
    ]
    all_shown = sorted(each["rule"] for each in shown["results"] if each["rule"] not in notices)
    assert all_shown == rules_of(bare)
    assert report["coverage"]["suppressed"] == len(bare["results"]) - len(
        [each for each in rules_of(report) if each not in notices]
    )


def add(*arguments: str, reason: str = "till the move") -> Result:
    return run("check", *arguments, "--add-ignores", "--reason", reason, "--today", "2026-06-01")


ONE_LINE = "<domain type='kvm'><vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/></cputune></domain>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PINNED, PINNED.replace("  <vcpu>", "  <!-- numalint: ignore[vcpupin-partial] till the move -->\n  <vcpu>").replace(
            "    <vcpupin", "    <!-- numalint: ignore[emulatorpin-missing] till the move -->\n    <vcpupin")),
        (ONE_LINE, ONE_LINE.replace("<vcpu>", "<!-- numalint: ignore[vcpupin-partial] till the move --><vcpu>").replace(
            "<vcpupin", "<!-- numalint: ignore[emulatorpin-missing] till the move --><vcpupin")),
        ("\ufeff<?xml version='1.0'?>\r\n<domain type='kvm'>\r\n\t<name>ä</name>\r\n\t<vcpu\r\n current='2'>2</vcpu>\r\n"
         "\t<cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='0'/></cputune>\r\n</domain>",
         "\ufeff<?xml version='1.0'?>\r\n<domain type='kvm'>\r\n\t<name>ä</name>\r\n"
         "\t<!-- numalint: ignore[vcpupin-partial] till the move -->\r\n\t<vcpu\r\n current='2'>2</vcpu>\r\n"
         "\t<cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='0'/></cputune>\r\n</domain>"),
    ],
)  # fmt: skip
def test_ignores_are_added_in_front_of_each_element_and_nothing_else_changes(text: str, expected: str) -> None:
    Path("db1.xml").write_bytes(text.encode())
    done = add("db1.xml", "--select", "vcpupin-partial,emulatorpin-missing")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("db1.xml: ")
    assert Path("db1.xml").read_bytes().decode() == expected
    assert rules_of(check("db1.xml", "--select", "vcpupin-partial,emulatorpin-missing")) == []
    again = add("db1.xml", "--select", "vcpupin-partial,emulatorpin-missing")
    assert (again.exit_code, again.stdout) == (0, "")
    assert Path("db1.xml").read_bytes().decode() == expected


def test_rules_at_one_element_share_a_comment() -> None:
    Path("db1.xml").write_text(PINNED.replace("cpuset='1'", "cpuset='1,5'"))
    before = check("db1.xml", "--host", "pack:2 numa:2 core:4 pu:1")
    at = [each["rule"] for each in before["results"] if each["element"].startswith("/domain/cputune/vcpupin")]
    assert len(at) > 1
    add("db1.xml", "--host", "pack:2 numa:2 core:4 pu:1")
    assert f"ignore[{', '.join(sorted(set(at)))}] till the move" in Path("db1.xml").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--add-ignores",), "--add-ignores needs --reason"),
        (("--reason", "x"), "--reason belongs to --add-ignores"),
        (("--add-ignores", "--reason", " "), "would be void: it gives no reason"),
        (("--add-ignores", "--reason", "?"), "would be void: it gives no reason"),
        (("--add-ignores", "--reason", "a -- b"), "an XML comment cannot hold this reason"),
        (("--add-ignores", "--reason", "a -"), "an XML comment cannot hold this reason"),
        (("--add-ignores", "--reason", "a\x1bb"), "an XML comment cannot hold this reason"),
        (("--add-ignores", "--reason", "x until=2027-01-01"), "would be void: its date does not stand where it is read"),
        (("--add-ignores", "--reason", "x", "--no-suppressions"), "leave out the other option"),
        (("--add-ignores", "--reason", "x", "-"), "cannot write into standard input"),
    ],
)  # fmt: skip
def test_options_of_added_ignores_that_cannot_be_obeyed(arguments: tuple[str, ...], sentence: str) -> None:
    Path("db1.xml").write_text(PINNED)
    done = run("check", "db1.xml", *arguments)
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.stderr
    assert Path("db1.xml").read_text() == PINNED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PINNED + PINNED, "db1.xml: nothing is written: it holds several documents; write an [[ignore]] in numalint.toml"),
        (PINNED.replace("<vcpupin", "<vcpupin vcpu='1' cpuset='9-'/><vcpupin"), "not suppressed: 1 finding"),
    ],
)  # fmt: skip
def test_a_file_that_no_comment_can_be_written_into_is_left_as_it_is(text: str, sentence: str) -> None:
    Path("db1.xml").write_text(text)
    done = add("db1.xml")
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.stderr
    assert Path("db1.xml").read_text() == text


def test_what_may_not_be_suppressed_is_left_and_counts() -> None:
    Path("db1.xml").write_text(PINNED)
    Path("numalint.toml").write_text("[lint]\nunsuppressible = ['vcpupin-partial']\n")
    done = add(".")
    first, last = done.stderr.splitlines()
    assert (done.exit_code, last) == (1, "not suppressed: 1 finding (vcpupin-partial)")
    assert first.startswith("db1.xml:3:9: warning[vcpupin-partial] db1: vCPU 1 may run on all CPUs of the host")
    assert rules_of(check(".")) == [PARTIAL]


def test_an_entry_that_is_over_is_told_with_what_it_covered_or_where_all_was_looked_at() -> None:
    """A change of another domain does not fail for it."""
    Path("db1.xml").write_text(PINNED)
    Path("db2.xml").write_text("<domain><name>db2</name><memory>1</memory><vcpu>1</vcpu></domain>")
    Path("numalint.toml").write_text(f"{ENTRY}until = 2020-01-01\ndomain = 'db1'\n")
    for paths, told in [(["db1.xml"], True), (["db2.xml"], False), (["."], True)]:
        assert ("suppression-expired" in run("check", *paths).stdout) is told
