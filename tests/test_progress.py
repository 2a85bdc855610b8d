"""A bar on a terminal, for a run that takes long; nothing elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from numalint.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("patience", "shown"), [(-1.0, True), (60.0, False)])
def test_a_terminal_shows_a_bar_after_a_while(monkeypatch: pytest.MonkeyPatch, patience: float, shown: bool) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_PATIENCE", patience)
    assert list(progress.watched(["a", "b", "c"])) == ["a", "b", "c"]
    assert ("checking" in terminal.getvalue()) is shown
    assert ("100%" in terminal.getvalue()) is shown


def test_nothing_is_shown_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    assert list(progress.watched([1, 2])) == [1, 2]
    assert file.getvalue() == ""
