"""The command line as a user meets it: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from numalint import plugins
from numalint.cli import main

GOOD = "<domain type='kvm'><name>good</name><memory unit='GiB'>1</memory><vcpu>1</vcpu></domain>\n"
PARTIAL = """<domain type='kvm'>
  <name>db1</name>
  <vcpu>2</vcpu>
  <cputune><vcpupin vcpu='0' cpuset='1'/></cputune>
</domain>
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("good.xml").write_text(GOOD)
    return tmp_path


def run(*arguments: str, input: str | bytes | None = None) -> Result:
    done = CliRunner().invoke(main, arguments, input=input)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_a_clean_run_exits_with_0_and_says_what_it_covered(folder: Path) -> None:
    done = run("check", "good.xml")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 domain" in done.stderr


def test_findings_exit_with_1_and_exit_zero_and_fail_on_change_that(folder: Path) -> None:
    Path("bad.xml").write_text(PARTIAL)
    assert run("check", ".").exit_code == 1
    assert run("check", ".", "--exit-zero").exit_code == 0
    assert run("check", ".", "--fail-on", "error").exit_code == 0
    assert run("check", ".", "--ignore", "vcpupin-partial").exit_code == 0
    assert run("check", ".", "--select", "memory,correctness").exit_code == 0
    assert run("check", ".", "--select", "vcpupin-partial", "-f", "concise").stdout.startswith("bad.xml:3:9: warning[")


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.xml", b"<domain type='kvm'><name>", "a.xml:1:25: error[malformed-domain] a.xml: it is not well-formed XML"),
        ("a.xml", b"<!DOCTYPE domain><domain type='kvm'/>", "it has a DOCTYPE, which numalint does not read"),
        ("a.xml", b"<domain type='kvm'>\n<name>\xfc</name></domain>", "a.xml:2:7: error[malformed-domain] a.xml: it is not UTF-8"),
        ("a.xml", b"<domain type='kvm'><vcpu>x</vcpu></domain>", "<vcpu>: its content is 'x', not a decimal number"),
        ("a.xml", b"<project/>", "it is no libvirt domain and no host file that numalint knows: its first element is <project>"),
        ("a.xml", b"", "it is no libvirt domain and no host file that numalint knows: it is empty"),
    ],
)  # fmt: skip
def test_bad_input_is_a_sentence_and_exit_code_2_and_the_rest_is_checked(
    folder: Path, name: str, data: bytes, sentence: str
) -> None:
    Path(name).write_bytes(data)
    Path("bad.xml").write_text(PARTIAL)
    done = run("check", name, "bad.xml", "-f", "concise")
    assert done.exit_code == 2
    assert sentence in done.output
    assert "vcpupin-partial" in done.stdout


def test_what_is_not_ours_is_passed_over_under_a_folder(folder: Path) -> None:
    Path("pom.xml").write_text("<project/>")
    Path("jboss.xml").write_text("<domain xmlns='urn:jboss:domain:3.0'/>")
    Path("glassfish.xml").write_text("<domain log-root='x' version='10.0'></domain>")
    done = run("check", ".", "-f", "json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["coverage"]["passed_over"] == {"domain of another program": 2, "project": 1}


def test_a_run_that_judges_nothing_exits_with_2_unless_git_tracks_no_domain(folder: Path) -> None:
    Path("good.xml").unlink()
    done = run("check", ".")
    assert done.exit_code == 2
    assert "no libvirt domain was found in ." in done.stderr
    assert run("check", "nowhere").exit_code == 2
    assert "nowhere: there is no such file or folder" in run("check", "nowhere").stderr


def test_an_unreadable_file_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_open = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if path == "good.xml":  # root may read every file, and CI is root
            raise PermissionError(13, "Permission denied")
        return really_open(path, flags, mode)

    monkeypatch.setattr("os.open", refuse)
    done = run("check", "good.xml")
    assert done.exit_code == 2
    assert "good.xml: the file cannot be read: Permission denied" in done.stderr


def test_standard_input_may_hold_several_documents(folder: Path) -> None:
    done = run(
        "check", "-", "-f", "concise", input="<?xml version='1.0'?>\n" + GOOD + "<?xml version='1.0'?>\n" + PARTIAL
    )
    assert done.exit_code == 1
    assert done.stdout.startswith("-:6:9: warning[vcpupin-partial] db1: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "--select", "numatune-mising"], "there is no rule 'numatune-mising'; did you mean 'numatune-missing'?"),
        (["check", "--format", "pdf"], "there is no format 'pdf'; the formats are"),
        (["check", "--report", "sarif"], "--report sarif: write FORMAT=FILE"),
        (["check", "--report", "sarif=no/such/folder/x.sarif"], "no/such/folder/x.sarif"),
        (["check", "--require", "pcie"], "--require: there is no fact 'pcie'; the facts are"),
        (["check", "--config", "none.toml"], "none.toml: the configuration cannot be read"),
        (["explain", "device-remot"], "did you mean 'device-remote'?"),
        (["show"], "name a file to show"),
        (["show", "none.xml"], "none.xml: it cannot be read: No such file or directory"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_a_sentence_and_exit_code_2(folder: Path, arguments: list[str], sentence: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_configuration_with_an_unknown_key_stops_the_run(folder: Path) -> None:
    Path("numalint.toml").write_text("[lint]\nselekt = []\n")
    done = run("check")
    assert done.exit_code == 2
    assert "numalint.toml:2: there is no key 'selekt' in [lint]" in done.stderr
    assert "did you mean 'select'?" in done.stderr


def test_require_makes_an_unknown_fact_an_error(folder: Path) -> None:
    assert run("check", "good.xml", "--require", "nodes").exit_code == 2
    assert run("check", "good.xml", "--require", "hugepages").exit_code == 0


def test_reports_go_to_files_and_stdout_stays_for_people(folder: Path) -> None:
    Path("bad.xml").write_text(PARTIAL)
    done = run("check", ".", "--report", "sarif=out.sarif", "--report", "json=out.json", "-f", "concise")
    assert done.stdout.count("\n") == 2
    assert json.loads(Path("out.sarif").read_text())["version"] == "2.1.0"
    assert json.loads(Path("out.json").read_text())["exit_code"] == 1


def test_two_runs_give_the_same_bytes_and_no_absolute_path(folder: Path) -> None:
    Path("bad.xml").write_text(PARTIAL)
    for format in ("text", "concise", "json", "sarif"):
        first, second = run("check", ".", "-f", format).stdout, run("check", ".", "-f", format).stdout
        assert first == second
        assert str(folder) not in first


FIRST_RULES = {
    "cpu-nonexistent",
    "device-remote",
    "emulatorpin-missing",
    "numatune-missing",
    "vcpupin-partial",
    "vcpupin-spans-nodes",
    "vcpupin-spans-sockets",
    "vcpus-exceed-node",
    "vcpus-exceed-node-cores",
}


def test_the_rules_are_listed_with_the_keys_that_machines_read(folder: Path) -> None:
    rules = {rule["id"]: rule for rule in json.loads(run("rules", "--format", "json").stdout)}
    assert list(rules) == sorted(rules)
    assert rules.keys() >= FIRST_RULES
    assert rules["cpu-nonexistent"] == {
        "id": "cpu-nonexistent",
        "shape": "placement",
        "category": "correctness",
        "level": "error",
        "needs": ["nodes"],
        "uses": ["offline"],
        "enabled": True,
        "summary": "A set names CPUs that the host does not have.",
    }
    assert "device-remote" in run("rules").stdout


def test_every_rule_and_notice_is_explained(folder: Path) -> None:
    assert "Fix" in run("explain", "numatune-missing").stdout
    assert run("explain", "malformed-domain", "--format", "markdown").stdout.startswith("# malformed-domain\n")


def test_the_catalogue_is_the_one_that_the_rules_make(folder: Path) -> None:
    catalogue = Path(__file__).resolve().parent.parent / "rules" / "README.md"
    if not catalogue.exists():
        pytest.skip("the tests run without a checkout around them")
    assert catalogue.read_text() == run("rules", "--format", "markdown").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(folder: Path, shell: str) -> None:
    assert "_NUMALINT_COMPLETE" in run("completion", shell).stdout


PLUGINS = {
    "raises": ("1/0", "plugin broken (broken) cannot be loaded: ZeroDivisionError"),
    "no hook": ("x = 1", "plugin broken (broken) implements no hook"),
    "misspelt": (
        "import numalint\n@numalint.hookimpl\ndef numalint_rulez(): return []",
        "unknown hook 'numalint_rulez'",
    ),
    "raises later": (
        "import numalint\n@numalint.hookimpl\ndef numalint_rules(): return 1/0",
        "numalint_rules() failed",
    ),
    "no reporter": (
        "import numalint\n@numalint.hookimpl\ndef numalint_reporters(): return [1]",
        "plugin broken: 1 is no Reporter",
    ),
    "leaves": ("raise SystemExit(0)", "plugin broken (broken) cannot be loaded: SystemExit: 0"),
    "leaves later": (
        "import numalint\n@numalint.hookimpl\ndef numalint_rules(): raise SystemExit(0)",
        "plugin broken: numalint_rules() failed: SystemExit: 0",
    ),
    "no rule": ("import numalint\n@numalint.hookimpl\ndef numalint_rules(): return [1]", "1 is no rule"),
    "twice": (
        "import numalint, numalint_rules.device_remote as d\n@numalint.hookimpl\ndef numalint_rules(): return [d.check]",
        "there is a rule device-remote already",
    ),
    "bad id": (
        "import numalint as n\ndef f(p): yield\n@n.hookimpl\ndef numalint_rules(): "
        "return [n.placement_rule('Bad_Id', n.Severity.NOTE, n.Category.MEMORY)(f)]",
        "rule id 'Bad_Id' is not words of a-z joined by hyphens",
    ),
}


@pytest.mark.parametrize("case", PLUGINS)
def test_a_broken_plugin_stops_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    body, sentence = PLUGINS[case]
    Path("broken.py").write_text(body)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "broken", raising=False)
    points = [EntryPoint("builtin", "numalint_rules", "numalint"), EntryPoint("broken", "broken", "numalint")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "numalint" else [])
    done = run("check", "good.xml")
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_format_that_fails_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("format_pack.py").write_text(
        "import numalint as n\n@n.hookimpl\ndef numalint_reporters():\n"
        "    return [n.Reporter('own', 'a format', lambda report, colour: 1 / 0)]\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "format_pack", raising=False)
    points = [EntryPoint("builtin", "numalint_rules", "numalint"), EntryPoint("pack", "format_pack", "numalint")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "numalint" else [])
    done = run("check", "good.xml", "-f", "own")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "error: format own failed: ZeroDivisionError: division by zero" in done.stderr


def test_no_rules_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda **_: [])
    assert "no rules were found" in run("check", "good.xml").stderr


def test_a_rule_that_raises_is_told_and_the_others_go_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bad.xml").write_text(PARTIAL)
    Path("pack.py").write_text(
        "import numalint as n\n@n.placement_rule('always-raises', n.Severity.NOTE, n.Category.MEMORY)\n"
        "def check(placement): raise KeyError('x')\n@n.hookimpl\ndef numalint_rules(): return [check]\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    points = [EntryPoint("builtin", "numalint_rules", "numalint"), EntryPoint("pack", "pack", "numalint")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "numalint" else [])
    done = run("check", "bad.xml", "-f", "concise")
    assert done.exit_code == 2
    assert "rule always-raises failed on domain db1: KeyError: 'x'" in done.stderr
    assert "vcpupin-partial" in done.stdout
