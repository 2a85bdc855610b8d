"""The formats by name, what they cost, and how a report is written to a file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from handmade import FULL, report

from numalint.cli.check import FORMAT_HELP
from numalint.reporters import BUILT_IN, write_whole


def test_every_format_renders_a_report() -> None:
    rendered = {reporter.name: reporter.render(report(FULL), False) for reporter in BUILT_IN}
    assert list(rendered) == ["text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown"]
    assert all("2 vCPUs are pinned" in text for text in rendered.values())


def test_the_help_lists_every_format() -> None:
    names = [reporter.name for reporter in BUILT_IN]
    assert FORMAT_HELP.endswith(f" {', '.join(names[:-1])} or {names[-1]}.")


def test_sarif_om_and_rich_are_imported_for_nothing_but_their_own_output() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from handmade import FULL, report
from numalint.reporters import BUILT_IN
for reporter in sorted(BUILT_IN, key=lambda reporter: reporter.name == "sarif"):
    module = f"numalint.reporters.{reporter.name}"
    assert reporter.name == "text" or module not in sys.modules, module
    reporter.render(report(FULL), True)
    heavy = {"sarif_om", "attr", "rich", "markdown_it", "numalint.reporters.json_schema"} & set(sys.modules)
    assert not heavy or reporter.name == "sarif", (reporter.name, heavy)
assert "sarif_om" in sys.modules
"""
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = os.environ | {"PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent)], env=environment, check=True, timeout=60)


def test_a_report_is_written_in_place_of_the_old_one_with_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "numalint.sarif"
    write_whole(str(target), "first\n")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask
    target.chmod(0o600)
    write_whole(str(target), "büro\n")
    assert target.read_bytes() == "büro\n".encode()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["numalint.sarif"]


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    write_whole(str(tmp_path / "link"), "x\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x\n"
    write_whole(os.devnull, "x\n")
    assert not os.path.isfile(os.devnull)


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    target = str(tmp_path / "none" / "numalint.sarif")
    with pytest.raises(FileNotFoundError) as raised:
        write_whole(target, "x\n")
    assert raised.value.filename == target
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_whole(str(folder), "x\n")
    assert os.listdir(tmp_path) == ["folder"]
