"""What tests share: the example fleet, the corpus of real files, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from numalint.cli import main

BESIDE = Path(__file__).resolve().parent.parent
"""The folder that has tests/: a checkout, or where CI copied the tests beside nothing but the examples."""


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the example fleet."""
    return BESIDE / "examples"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The corpus of real domains and hosts, which is not part of the project; without it the test is skipped."""
    named = os.environ.get("NUMALINT_CORPUS")
    folder = Path(named) if named else BESIDE.parent / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip("no corpus of real files here: NUMALINT_CORPUS names its folder")
    return folder


@dataclass(frozen=True)
class Run:
    """What a run of the command line left behind."""

    code: int
    out: str
    err: str


COLOURS = {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "GITHUB_ACTIONS"}
FOREIGN = {key for key in os.environ if key in COLOURS or key.startswith("NUMALINT_")}
"""What of the caller's environment would change what is printed."""


@pytest.fixture
def numalint_inside(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run ``numalint ARGS`` in the process of the tests: quicker than ``numalint``, and seen by what measures coverage."""

    def run(
        *args: str | Path, cwd: str | Path | None = None, stdin: str | bytes = b"", env: dict[str, str] | None = None
    ) -> Run:
        runner = CliRunner(env=dict.fromkeys(FOREIGN) | (env or {}))
        with monkeypatch.context() as here:
            here.chdir(cwd or Path.cwd())
            done = runner.invoke(main, [*map(str, args)], stdin, prog_name="numalint")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Run(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def numalint() -> Callable[..., Run]:
    """Run ``numalint ARGS`` in a process of its own, with no option or colour from the caller's environment."""
    clean = {key: text for key, text in os.environ.items() if key not in FOREIGN}

    def run(
        *args: str | Path, cwd: str | Path | None = None, stdin: str | bytes = b"", env: dict[str, str] | None = None
    ) -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "numalint", *map(str, args)],
            cwd=cwd,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            env=clean | (env or {}),
            capture_output=True,
            check=False,
            timeout=120,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
