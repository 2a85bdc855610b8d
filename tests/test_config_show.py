"""``numalint config show``: each value in effect with its origin, as TOML that says the same again."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

from numalint.loaders.config_file import load_config
from numalint.loaders.config_origins import origins

BASE = """\
exclude = ["old/"]

[hosts.kvm01]
topology = "caps.xml"
overcommit = 4

[lint]
fail-on = "note"
ignore = ["memory"]

[[ignore]]
rules = ["a-rule"]
reason = "it is \\"old\\""
path = "kvm01/"
until = 2027-03-31
"""

OWN = """\
extend = "../site/base.toml"

[hosts.kvm01]
domains = ["kvm01/*.xml"]
class = "fast"

[hosts."kvm02.example.org"]
topology = ["pack:2 numa:1 core:8 pu:2"]
class = "fast"
reserved-memory = { 0 = "4 GiB", 1 = "2 GiB" }

[classes.fast]
housekeeping-cpus = "0-1"
overcommit = 1.5

[lint]
fail-on = "error"
severity.memory = "note"

[[placement]]
domains = ["db/*.xml"]
class = "fast"

[[overrides]]
path = "lab/"
ignore = ["threads"]

[[ignore]]
rules = ["b-rule"]
reason = "new"
"""

SHOWN = """\
# The configuration for team: team/numalint.toml. Paths and globs are relative to its folder.

# extend = "../site/base.toml"  # team/numalint.toml:1
hosts.kvm01.topology = "../site/caps.xml"  # site/base.toml:4
hosts.kvm01.housekeeping-cpus = "0-1"  # team/numalint.toml:13, from [classes.fast]
hosts.kvm01.overcommit = 4  # site/base.toml:5
hosts.kvm01.domains = ["kvm01/*.xml"]  # team/numalint.toml:4
hosts.kvm01.class = "fast"  # team/numalint.toml:5
hosts."kvm02.example.org".topology = ["pack:2 numa:1 core:8 pu:2"]  # team/numalint.toml:8
hosts."kvm02.example.org".housekeeping-cpus = "0-1"  # team/numalint.toml:13, from [classes.fast]
hosts."kvm02.example.org".reserved-memory.0 = "4 GiB"  # team/numalint.toml:10
hosts."kvm02.example.org".reserved-memory.1 = "2 GiB"  # team/numalint.toml:10
hosts."kvm02.example.org".overcommit = 1.5  # team/numalint.toml:14, from [classes.fast]
hosts."kvm02.example.org".class = "fast"  # team/numalint.toml:9
classes.fast.housekeeping-cpus = "0-1"  # team/numalint.toml:13
classes.fast.overcommit = 1.5  # team/numalint.toml:14
lint.ignore = ["memory"]  # site/base.toml:9
lint.severity.memory = "note"  # team/numalint.toml:18
lint.fail-on = "error"  # team/numalint.toml:17
lint.target-libvirt = "11.3.0"  # default
exclude = ["../site/**/old/"]  # site/base.toml:1

[[placement]]  # team/numalint.toml:20
domains = ["db/*.xml"]
class = "fast"

[[overrides]]  # team/numalint.toml:24
path = "lab/"
ignore = ["threads"]

[[ignore]]  # site/base.toml:11
path = "../site/**/kvm01/"
rules = ["a-rule"]
reason = "it is \\"old\\""
until = 2027-03-31

[[ignore]]  # team/numalint.toml:28
rules = ["b-rule"]
reason = "new"
"""


@pytest.fixture
def numalint(numalint_inside):
    return numalint_inside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"site/base.toml": BASE, "team/numalint.toml": OWN}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_value_with_the_line_that_says_it(folder: Path, numalint) -> None:
    shown = numalint("config", "show", "team", cwd=folder)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == SHOWN


def test_what_is_shown_says_the_same_when_it_is_read_again(folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    before = load_config(Path("team/numalint.toml"))
    again = Path("team/again.toml")
    again.write_text(SHOWN)
    after = load_config(again)
    said = [each for each in origins(before) if each.keys != ("extend",)]
    read = origins(after)
    assert [(each.keys, each.value) for each in read] == [(each.keys, each.value) for each in said]
    lines = SHOWN.split("\n")
    for each in read:  # and each is found again at the line that it was shown on
        if each.file is not None and not isinstance(each.keys[-1], int):
            assert str(each.keys[-1]) in lines[each.line - 1].partition(" = ")[0]


def test_json_has_the_same(folder: Path, numalint) -> None:
    shown = json.loads(numalint("config", "show", "team", "--format", "json", cwd=folder).out)
    assert all(list(each) == ["key", "value", "file", "line", "class"] for each in shown)
    by_key = {each["key"]: each for each in shown}
    assert by_key["hosts.kvm01.housekeeping-cpus"] == {
        "key": "hosts.kvm01.housekeeping-cpus",
        "value": "0-1",
        "file": "team/numalint.toml",
        "line": 13,
        "class": "fast",
    }
    assert by_key["lint.target-libvirt"]["file"] is None
    ignored = [each["value"] for each in shown if each["key"] == "ignore"]
    assert [each["reason"] for each in ignored] == ['it is "old"', "new"]
    assert ignored[0]["until"] == "2027-03-31"
    said = [each["key"] for each in shown if each["key"] not in ("placement", "overrides", "ignore")]
    lines = SHOWN.partition("\n\n[[")[0].split("\n")[2:]
    assert said == [line.partition(" = ")[0].removeprefix("# ") for line in lines]


def test_without_a_configuration_the_defaults_are_shown(tmp_path: Path, numalint) -> None:
    (tmp_path / ".git").mkdir()
    shown = numalint("config", "show", cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == (
        "# There is no numalint.toml for .: these are the defaults.\n\n"
        'lint.fail-on = "warning"  # default\nlint.target-libvirt = "11.3.0"  # default\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[lint]\n[hosts]\n",
        "[hosts.a]\ntopology = []\nclass = 'x'\n[classes.x]\ntopology = 'pack:1 core:4 pu:1'\n",
        "[hosts.a]\ntopology = 'pack:1 core:4 pu:1'\nclass = 'x'\nhousekeeping-cpus = ''\n[classes.x]\n",
        "[hosts.a]\ntopology = 'pack:1 core:4 pu:1'\nexclusive-groups = [['a', 'b'], ['c']]\n",
        "hosts = { 'a\u00e9\\tb' = { topology = \"h\\u0001'\\\"\\n\", reserved-memory = '1 G' } }\n",
        "exclude = []\n[lint]\nselect = []\nseverity = {}\nextend-select = ['all']\n",
        "ignore = [{ rules = ['x'], reason = '', until = 2026-01-02 }]\n",
        "rules = ['own']\nbaseline = 'known.json'\nlint.target-libvirt = '9.0'\nlint.unsuppressible = ['memory']\n",
        "[[overrides]]\nhost = 'kvm*'\nseverity = { threads = 'note' }\n",
    ],
)
def test_every_configuration_is_shown_as_toml_that_says_the_same(tmp_path: Path, numalint, text: str) -> None:
    file = tmp_path / "numalint.toml"
    file.write_text(text, encoding="utf-8")
    shown = numalint("config", "show", cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    before = origins(load_config(file))
    file.write_text(shown.out, encoding="utf-8")
    after = origins(load_config(file))
    assert [(each.keys, each.value) for each in after] == [(each.keys, each.value) for each in before]


def test_an_empty_table_takes_no_place_from_what_it_extends(folder: Path, numalint) -> None:
    (folder / "team" / "numalint.toml").write_text("extend = '../site/base.toml'\n[hosts]\n[lint]\n")
    shown = numalint("config", "show", "team", cwd=folder).out
    assert 'lint.fail-on = "note"  # site/base.toml:8\n' in shown
    assert "hosts.kvm01.overcommit = 4  # site/base.toml:5\n" in shown


def test_it_is_found_in_pyproject_and_by_its_name(tmp_path: Path, numalint) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n\n[tool.numalint.lint]\nfail-on = 'note'\n")
    (tmp_path / "other.toml").write_text("lint.fail-on = 'error'\n")
    assert 'lint.fail-on = "note"  # pyproject.toml:4\n' in numalint("config", "show", cwd=tmp_path).out
    named = numalint("config", "show", "--config", "other.toml", cwd=tmp_path).out
    assert 'lint.fail-on = "error"  # other.toml:1\n' in named


def test_environment_variables_that_are_options_of_check_are_shown_last(tmp_path: Path, numalint) -> None:
    env = {"NUMALINT_CHECK_FAIL_ON": "error", "NUMALINT_CHECK_FAILON": "a\nb", "NUMALINT_CHECK_HOSTS": "kvm01"}
    shown = numalint("config", "show", cwd=tmp_path, env=env).out
    assert shown.split("\n\n")[-1] == (
        '# NUMALINT_CHECK_FAILON = "a\\u000ab"  # the environment: no option of numalint check has this name\n'
        '# NUMALINT_CHECK_FAIL_ON = "error"  # the environment: it is --fail-on and wins\n'
        '# NUMALINT_CHECK_HOSTS = "kvm01"  # the environment: it is --host and wins\n'
    )
    assert tomllib.loads(shown)["lint"]["fail-on"] == "warning"


def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path: Path, numalint) -> None:
    (tmp_path / "numalint.toml").write_text(
        "lint.fail-on = 'error'\n[hosts.a]\ntopology = 'pack:2 numa:1 core:4 pu:1'\ndomains = ['*.xml']\n"
    )
    pin = "<cputune><vcpupin vcpu='0' cpuset='3-4'/></cputune>"  # a warning
    (tmp_path / "a.xml").write_text(
        f"<domain type='kvm'><name>a</name><memory>1</memory><vcpu>1</vcpu>{pin}</domain>", encoding="utf-8"
    )
    one, warning = ("check", ".", "--select", "vcpupin-spans-sockets"), {"NUMALINT_CHECK_FAIL_ON": "warning"}
    assert numalint(*one, cwd=tmp_path).code == 0
    assert numalint(*one, cwd=tmp_path, env=warning).code == 1
    assert numalint(*one, "--fail-on", "error", cwd=tmp_path, env=warning).code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere",), "error: nowhere: there is no such file or folder\n"),
        (("--config", "none.toml"), "error: none.toml: the configuration cannot be read: No such file or directory\n"),
        (("bad",), "error: bad/numalint.toml:1: there is no key 'lnt'\n  = help: did you mean 'lint'?\n"),
    ],
)
def test_what_cannot_be_shown_is_said(tmp_path: Path, numalint, arguments: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "numalint.toml").write_text("[lnt]\n")
    refused = numalint("config", "show", *arguments, cwd=tmp_path)
    assert (refused.code, refused.out, refused.err) == (2, "", sentence)


def test_a_date_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "numalint.toml"
    file.write_text("[[ignore]]\nrules = ['x']\nreason = 'y'\nuntil = 2026-01-02\n")
    (ignored,) = [each for each in origins(load_config(file)) if each.keys == ("ignore", 1)]
    assert ignored.value["until"] == date(2026, 1, 2)
