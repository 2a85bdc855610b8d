"""What goes wrong around a run: git that is not there, rules that fail on a host, neighbours and files that are none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

DOMAIN = "<domain type='kvm'><name>{0}</name><memory unit='GiB'>1</memory><vcpu>1</vcpu></domain>\n"
CONFIG = "[hosts.kvm01]\ntopology = 'pack:2 numa:1(memory=16GiB) core:4 pu:1'\ndomains = ['*.xml']\n"
RULE = '''"""A rule.

Bad:

    <domain/>

Good:

    <domain/>
"""

import numalint as n


@n.{0}
def check(subject):
    {1}
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("db1", "db2"):
        Path(f"{name}.xml").write_text(DOMAIN.format(name))
    Path("numalint.toml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def without_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository, on a machine that has no git."""
    subprocess.run(["git", "init", "-q"], check=True, capture_output=True)
    monkeypatch.setenv("PATH", str(folder))


def test_without_git_the_files_are_judged_and_that_gitignore_is_not_read_is_told(without_git, numalint_inside) -> None:
    done = numalint_inside("check", ".")
    assert (done.code, "2 notes): 2 domains on 1 host" in done.err) == (0, True), done.err
    assert "git does not answer, so .gitignore is not read: No such file or directory" in done.err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--tracked"], "git does not answer: No such file or directory"),
        (["--since", "HEAD"], "git cannot be run: No such file or directory"),
    ],
)
def test_without_git_what_hangs_on_it_is_no_green_run(
    without_git, numalint_inside, option: list[str], said: str
) -> None:
    done = numalint_inside("check", ".", *option)
    assert (done.code, said in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("rule", "body", "said"),
    [
        ("host_rule('own-rule', n.Severity.NOTE)", "yield 1 / 0", "host kvm01: ZeroDivisionError: division by zero"),
        ("host_rule('own-rule', n.Severity.NOTE)", "raise SystemExit(0)", "host kvm01: SystemExit: 0"),
        ("host_rule('own-rule', n.Severity.NOTE)", "yield 'x'", "host kvm01: TypeError: it yields 'x', and not a Fin"),
        (
            "domain_rule('own-rule', n.Severity.NOTE, n.Category.MEMORY)",
            "yield n.Finding(subject.place, 'x', 'y', data={'share': 0.5})",
            "domain db1: TypeError: the data of a Finding are texts and whole numbers, and not {'share': 0.5}",
        ),
    ],
)
def test_a_rule_that_fails_is_told_and_the_others_go_on(
    folder: Path, numalint_inside, rule: str, body: str, said: str
) -> None:
    Path("own.py").write_text(RULE.format(rule, body))
    Path("numalint.toml").write_text(f"rules = ['own.py']\n{CONFIG}")
    done = numalint_inside("check", ".")
    assert (done.code, f"rule own-rule failed on {said}" in done.err) == (2, True), done.err
    assert "note[numatune-missing]: db1: " in done.out


def test_a_neighbour_that_cannot_be_read_is_told_for_what_it_claims_is_not_known(folder: Path, numalint_inside) -> None:
    Path("db2.xml").write_text("<domain type='kvm'><name>db2</name>")
    done = numalint_inside("check", "db1.xml")
    assert done.code == 2
    assert "db2.xml: what it claims of its host is not known, for it cannot be read: it is not well-formed" in done.err


def test_a_domain_file_that_is_too_large_for_one_is_not_read(folder: Path, numalint_inside) -> None:
    with Path("db1.xml").open("ab") as file:
        file.truncate((64 << 20) + 1)  # it takes no room on the disk
    done = numalint_inside("check", ".")
    assert done.code == 2
    assert "db1.xml: the file cannot be read: it is larger than 64 MiB, which no file of domains is" in done.err


def test_ignores_are_not_added_where_lines_end_as_nobodys_do(folder: Path, numalint_inside) -> None:
    text = DOMAIN.format("db1").replace("><", ">\r<").replace("<vcpu>1", "<vcpu>64")
    Path("db1.xml").write_bytes(text.encode())
    done = numalint_inside("check", "db1.xml", "--add-ignores", "--reason", "why")
    assert done.code == 2
    assert "db1.xml: nothing is written: lines of it end in a carriage return alone" in done.err
    assert Path("db1.xml").read_bytes() == text.encode()
