"""The process itself: a closed pipe, a full disk, Ctrl-C, files without end; no traceback and no half-written report."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from numalint.engine.world import LARGEST_FILE

DOMAIN = "<domain type='kvm'><name>db1</name><memory unit='GiB'>1</memory><vcpu cpuset='99'>1</vcpu></domain>"
HOST = "pack:2 core:4 pu:1"
COMMAND = [sys.executable, "-m", "numalint"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "db1.xml").write_text(DOMAIN)
    return tmp_path


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path) -> None:
    for number in range(400):
        (folder / f"d{number}.xml").write_text(DOMAIN.replace("db1", f"d{number}"))
    command = [*COMMAND, "check", ".", "--host", HOST]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdout.readline()
    child.stdout.close()
    said = child.stderr.read()
    assert child.wait(timeout=60) == 1
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="it is Linux that has a disk that is always full")
@pytest.mark.parametrize("arguments", [["check", ".", "--host", HOST, "-q"], ["rules"], ["--help"]])
def test_a_full_disk_is_a_sentence_and_exit_code_2(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr == b"error: what was found cannot be printed: No space left on device\n"


def test_ctrl_c_ends_it_with_130_and_leaves_the_old_report(folder: Path) -> None:
    (folder / "report.json").write_text("the old one")
    command = [*COMMAND, "check", "-", "--host", HOST, "--report", "json=report.json"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = subprocess.Popen(command, **pipes, preexec_fn=interruptible)  # noqa: PLW1509  # it has one thread
    time.sleep(1)  # it waits for standard input by then
    child.send_signal(signal.SIGINT)
    out, said = child.communicate(timeout=60)
    assert (child.returncode, out, said.decode().strip()) == (130, b"", "interrupted")
    assert (folder / "report.json").read_text() == "the old one"
    assert sorted(os.listdir(folder)) == ["db1.xml", "report.json"]


def interruptible() -> None:
    """A shell lets what it runs in the background, such as these tests, pass over Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


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
