"""No network, ever: a whole run with each format opens no socket, and starts no program but git."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from numalint.cli import main
from numalint.reporters import BUILT_IN


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a socket or asks for an address fails."""

    def refuse(*_args: object, **_more: object) -> None:
        pytest.fail("it wants the network")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname", "socketpair"):
        monkeypatch.setattr(socket, name, refuse)
    start = subprocess.Popen.__init__

    def started(self: subprocess.Popen, args: list[str], *more: object, **options: object) -> None:
        assert args[0] == "git", args
        start(self, args, *more, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", started)


@pytest.mark.parametrize("reporter", BUILT_IN, ids=lambda reporter: reporter.name)
def test_a_run_needs_no_network(examples: Path, monkeypatch: pytest.MonkeyPatch, reporter: object) -> None:
    monkeypatch.chdir(examples.parent)
    done = CliRunner().invoke(main, ["check", "examples", "examples/fleet", "--format", reporter.name])
    assert done.exit_code == 1, done.stderr


@pytest.mark.parametrize("arguments", [["rules"], ["explain", "numatune-missing"], ["show", "examples/hosts/kvm02.host.toml"],
                                       ["config", "show"], ["init", "examples"], ["schema", "config"]])  # fmt: skip
def test_the_other_commands_need_none_either(
    examples: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(examples.parent)
    assert CliRunner().invoke(main, arguments).exit_code == 0
