"""Hostile input: files without end, bombs, escapes, and what is no file; each is bounded, and told with a sentence."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from numalint.engine.world import LARGEST_FILE

DOMAIN = "<domain type='kvm'><name>db1</name><memory unit='GiB'>1</memory><vcpu cpuset='99'>1</vcpu></domain>"
HOST = "pack:2 core:4 pu:1"
COMMAND = [sys.executable, "-m", "numalint"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "db1.xml").write_text(DOMAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def bounded(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A run that may take 1 GiB of addresses and 30 seconds."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=30, preexec_fn=limited
    )


def test_a_file_without_end_is_a_sentence(folder: Path) -> None:
    with open(folder / "big.xml", "wb") as file:
        file.write(b"<domain type='kvm'><name>x</name>")
        file.truncate(2 << 30)
    done = bounded("check", "big.xml", "-q")
    assert done.returncode == 2
    said = f"it is larger than {LARGEST_FILE >> 20} MiB, which no file of domains is"
    assert done.stderr == f"error: big.xml: the file cannot be read: {said}\n"


HOSTILE = {
    "entities": '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + "]><domain><name>&j;</name></domain>",
    "a file as an entity": "<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><domain><name>&a;</name></domain>",
    "a DTD of the network": "<!DOCTYPE domain SYSTEM 'http://example.invalid/a.dtd'><domain/>",
    "many levels": f"<domain>{'<a>' * 200_000}{'</a>' * 200_000}</domain>",
    "many attributes": "<domain " + "".join(f"a{number}='' " for number in range(1_000_000)) + "/>",
    "many pins": "<domain><vcpu>1</vcpu><cputune>" + "<vcpupin vcpu='0' cpuset='0'/>" * 100_000 + "</cputune></domain>",
    "a NUL": "<domain><name>a\0</name></domain>",
    "an undefined entity": "<domain><name>&nbsp;</name></domain>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_bounded_and_never_green(folder: Path, name: str) -> None:
    (folder / "hostile.xml").write_text(HOSTILE[name])
    done = bounded("check", "hostile.xml", "-f", "concise")
    assert done.returncode == (1 if name == "many pins" else 2), done.stderr[-500:]
    assert "malformed-domain" in done.stdout or name.startswith("many")
    assert "root:" not in done.stdout
    assert "Traceback" not in done.stderr


FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown")


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_of_a_name_or_a_value_reaches_the_terminal(folder: Path, format: str) -> None:
    text = (
        DOMAIN.replace("db1", "a\x9b31m&#10;::error::b\u202ec")
        .replace("99", "9\t9")
        .replace("<memory", "<title>\x85</title><memory")
    )
    (folder / "e\x1b[31m\n::error::x.xml").write_text(text)
    done = subprocess.run(
        [*COMMAND, "check", ".", "--host", HOST, "-f", format], capture_output=True, check=False, timeout=60
    )
    assert done.returncode in (1, 2)
    for stream in (done.stdout.decode(), done.stderr.decode()):
        assert not [char for char in stream if not (char.isprintable() or char == "\n")], format
        assert not [line for line in stream.splitlines() if line.startswith("::error::")]


def test_what_is_no_file_is_told_or_passed_over(folder: Path) -> None:
    (folder / "folder.xml").mkdir()
    os.mkfifo(folder / "fifo.xml")
    os.symlink("loop", folder / "loop")
    os.symlink(".", folder / "again")
    done = bounded("check", ".", "--host", HOST, "-f", "concise")
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    for name, said in [
        ("fifo.xml", "it is a FIFO, not a file"),
        ("loop", "it is a link to a file that does not exist"),
    ]:
        done = bounded("check", name, "--host", HOST)
        assert done.returncode == 2
        assert f"error: {name}: {said}" in done.stderr
