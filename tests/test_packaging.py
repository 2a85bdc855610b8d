"""The project installs as one package with its rules, and its files for others say what they must."""

from __future__ import annotations

import re
from importlib.metadata import entry_points, metadata, version
from pathlib import Path

import pytest

import numalint as package

CHECKOUT = Path(__file__).resolve().parent.parent
in_checkout = pytest.mark.skipif(
    not (CHECKOUT / "pyproject.toml").is_file(), reason="the tests stand alone here, beside an installed wheel"
)


def hooks() -> list[dict[str, str]]:
    """The hooks as plain strings, read without a YAML library: one ``key: value`` a line, ``- `` opens a hook."""
    found: list[dict[str, str]] = []
    for line in (CHECKOUT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").splitlines():
        if line.startswith("- "):
            found.append({})
        if pair := re.fullmatch(r"[- ] (\w+): (.+?)(?:  #.*)?", line):
            found[-1][pair[1]] = pair[2]
    return found


def test_the_rules_are_a_plugin_like_any_other():
    assert [(point.name, point.value) for point in entry_points(group="numalint") if point.name == "builtin"] == [
        ("builtin", "numalint_rules")
    ]


def test_the_command_is_installed():
    assert [point.value for point in entry_points(group="console_scripts", name="numalint")] == [
        "numalint.__main__:run"
    ]


def test_the_version_is_that_of_the_package():
    assert version("numalint") == package.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", package.__version__), "pre-commit's autoupdate wants tags vX.Y.Z"


def test_the_licence_is_declared():
    assert metadata("numalint")["License-Expression"] == "Apache-2.0"


def test_the_command_answers(numalint):
    done = numalint("--version")
    assert (done.code, done.err) == (0, "")
    assert package.__version__ in done.out


@in_checkout
def test_the_version_stands_once():
    assert package.__version__ not in (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")


@in_checkout
def test_the_hook_judges_the_whole_fleet_in_one_process():
    (hook,) = hooks()
    assert hook["id"] == "numalint"
    assert hook["language"] == "python"
    assert hook["entry"] == "numalint check --tracked --format concise"
    assert (hook["pass_filenames"], hook["require_serial"]) == ("false", "true")
    assert hook["types_or"] == "[xml, toml]", (
        "a host is declared in XML or TOML: a change of it alone must run the hook"
    )
    assert "always_run" not in hook
    assert "additional_dependencies" not in hook, "what the hook needs stands in pyproject.toml"
    assert hook["stages"] == "[pre-commit, pre-merge-commit, pre-push, manual]"
    assert hook["minimum_pre_commit_version"] == '"3.2.0"', "older ones do not know these names of stages"


@in_checkout
def test_ci_runs_the_very_test_command_of_the_readme():
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()
    (command,) = [line for line in readme if line.startswith("python3 -m venv") and "pytest" in line]
    assert f"  {command}\n" in (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")


@in_checkout
@pytest.mark.parametrize("file", ["action.yml", ".github/workflows/ci.yml", "examples/github-workflow.yml"])
def test_actions_of_others_are_pinned_by_hash(file):
    used = re.findall(r"uses: (\S+)@(\S+)", (CHECKOUT / file).read_text(encoding="utf-8"))
    assert used
    for name, revision in used:
        assert name == "numalint/numalint" or re.fullmatch(r"[0-9a-f]{40}", revision), f"{name}@{revision}"
