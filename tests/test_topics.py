"""What is said once: the README shows the very text that ``numalint explain topology`` prints."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest


def test_explain_topology_prints_the_section_of_the_readme(numalint) -> None:
    text = files("numalint").joinpath("texts", "topology.md").read_text(encoding="utf-8")
    assert numalint("explain", "topology", "--format", "markdown").out == f"# topology\n\n{text}"
    readme = Path(__file__).resolve().parent.parent / "README.md"
    if not readme.exists():
        pytest.skip("the tests run without a checkout around them")
    assert f"## Describe the host\n\n{text}\n" in readme.read_text(encoding="utf-8")


def test_explain_topology_in_the_terminal_names_each_input(numalint) -> None:
    shown = numalint("explain", "topology").out
    for each in ("virsh capabilities", "nodedev", "lstopo", "lscpu", "numactl", "numastat", "--host local", "capture"):
        assert each in shown
