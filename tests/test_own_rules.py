"""Rules of one's own: a new file, a folder that numalint.toml names, a pack that is installed."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from numalint import plugins
from numalint.cli import main

PACK = Path(__file__).resolve().parent / "packs" / "numalint-acme"
ODD = "<domain type='kvm'><name>odd</name><vcpu>3</vcpu></domain>\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("odd.xml").write_text(ODD)
    return tmp_path


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def own_rule(name: str = "odd_vcpu_count.py") -> None:
    Path("rules").mkdir(exist_ok=True)
    Path("rules", name).write_text((PACK / "numalint_acme" / "odd_vcpu_count.py").read_text())


def test_a_new_rule_fails_until_its_check_is_written(folder: Path) -> None:
    assert run("rules", "new", "odd-vcpu-count", "--into", "rules").exit_code == 0
    done = run("rules", "test", "rules")
    assert done.exit_code == 1
    assert "FAILED  odd-vcpu-count-bad-1: a Bad example, and the rule says nothing" in done.stdout
    own_rule()
    done = run("rules", "test", "rules/odd_vcpu_count.py")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "all examples of 1 rule hold")


def test_a_new_rule_never_takes_the_place_of_a_file(folder: Path) -> None:
    run("rules", "new", "one")
    done = run("rules", "new", "one")
    assert done.exit_code == 2
    assert "one.py cannot be written: File exists" in done.stderr
    assert "'One' is no name of a rule" in run("rules", "new", "One").stderr


def test_a_page_without_its_parts_fails(folder: Path) -> None:
    own_rule()
    path = Path("rules", "odd_vcpu_count.py")
    path.write_text(path.read_text().replace("Fix: ", "Remedy: "))
    done = run("rules", "test", "rules")
    assert done.exit_code == 1
    assert "odd-vcpu-count: its page has no Fix:" in done.stdout


def test_local_rules_run_only_where_the_configuration_names_them(folder: Path) -> None:
    own_rule()
    assert "odd-vcpu-count" not in run("check", ".", "-f", "concise").stdout
    Path("numalint.toml").write_text('rules = ["./rules"]\n')
    assert (
        "odd.xml:1:42: note[odd-vcpu-count] odd: it has 3 vCPUs, an odd number"
        in run("check", ".", "-f", "concise").stdout
    )
    assert "odd-vcpu-count" not in run("check", ".", "-f", "concise", "--no-local-rules").stdout
    assert run("check", ".", "--select", "odd-vcpu-count", "--fail-on", "note").exit_code == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1/0", "cannot be loaded: ZeroDivisionError"),
        ("x = 1", "has no rule: a rule is what @placement_rule or @domain_rule makes"),
        ("from numalint_rules.device_remote import check", "local rules: there is a rule device-remote already"),
    ],
)
def test_a_broken_local_rule_stops_the_run(folder: Path, text: str, sentence: str) -> None:
    Path("mine.py").write_text(text)
    Path("numalint.toml").write_text('rules = ["mine.py"]\n')
    done = run("check", ".")
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_pack_brings_its_rules(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PACK))
    points = [EntryPoint("builtin", "numalint_rules", "numalint"), EntryPoint("acme", "numalint_acme", "numalint")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "numalint" else [])
    try:
        assert "odd-vcpu-count" in run("check", ".", "-f", "concise").stdout
        assert run("rules", "test", "numalint_acme").exit_code == 0
    finally:
        for name in [name for name in sys.modules if name.startswith("numalint_acme")]:
            del sys.modules[name]
