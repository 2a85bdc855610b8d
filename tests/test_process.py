"""The process itself: a closed pipe, a full disk, Ctrl-C, a kill; no traceback and no half-written report."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from numalint.reporters import write_whole

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


def full() -> None:
    """The disk is full after 64 bytes of a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["check", ".", "--host", HOST, "-q", "--report", "json=a.json"], "a.json"),
        (["check", ".", "--host", HOST, "-q", "--report", "sarif=a.json", "--report", "junit=b.xml"], "a.json"),
        (["check", ".", "--host", HOST, "--add-ignores", "--reason", "why"], "db1.xml"),
        (["baseline", "create", "--host", HOST, "--output", "a.json"], "a.json"),
        (["topology", "capture", "-o", "kvm01.host.toml"], "kvm01.host.toml"),
    ],
    ids=["a report", "two reports", "--add-ignores", "a baseline", "a host"],
)
def test_a_disk_that_fills_up_in_the_middle_of_a_file_leaves_the_old_one(
    folder: Path, arguments: list[str], file: str
) -> None:
    old = DOMAIN if file == "db1.xml" else "the old one"
    if arguments[0] != "baseline":  # it replaces none
        (folder / file).write_text(old)
    before = sorted(os.listdir(folder))
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, check=False, timeout=60, preexec_fn=full)
    assert done.returncode == 2
    assert b"File too large" in done.stderr
    assert b"Traceback" not in done.stderr
    assert sorted(os.listdir(folder)) == before
    assert file not in before or (folder / file).read_text() == old


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


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_one_of_them_tells_it(folder: Path) -> None:
    for number in range(600):
        (folder / f"d{number}.xml").write_text(DOMAIN.replace("db1", f"d{number}"))
    command = [*COMMAND, "check", ".", "--host", HOST, "-j", "2", "--report", "json=report.json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    child = subprocess.Popen(command, **pipes, preexec_fn=interruptible)  # noqa: PLW1509  # it has one thread
    time.sleep(0.4)  # both work by then
    os.killpg(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode in (130, 1), "1: it was done before"
    assert b"Traceback" not in said
    assert not [name for name in os.listdir(folder) if name != "report.json" and not name.endswith(".xml")]
    assert child.returncode == 130 or (folder / "report.json").read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_ends_the_writing_of_a_report_leaves_the_old_one_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    (folder / "report.json").write_text("the old one")

    def ended(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", ended)
    with pytest.raises(error):
        write_whole("report.json", "half")
    assert (folder / "report.json").read_text() == "the old one"
    assert sorted(os.listdir(folder)) == ["db1.xml", "report.json"]


def test_a_kill_in_the_middle_of_it_leaves_the_old_report(folder: Path) -> None:
    (folder / "report.json").write_text("the old one")
    script = "import os; from numalint.reporters import write_whole; os.replace = lambda *_: os.kill(os.getpid(), 9); "
    done = subprocess.run([sys.executable, "-c", script + "write_whole('report.json', 'new')"], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert (folder / "report.json").read_text() == "the old one"


@pytest.mark.parametrize(("closed", "code"), [(">&-", 1), ("2>&-", 1), ("<&- >&- 2>&-", 1)])
def test_a_stream_that_is_closed_from_the_start_goes_nowhere(closed: str, code: int) -> None:
    command = f"exec {sys.executable} -m numalint check . --host '{HOST}' --report json=report.json {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert b"cpu-nonexistent" in Path("report.json").read_bytes()


def test_standard_input_that_is_closed_is_empty() -> None:
    command = f"exec {sys.executable} -m numalint check - <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith(
        b"error: -: it is no libvirt domain and no host file that numalint knows: it is empty"
    )


def test_a_folder_that_went_away_below_it_is_a_sentence(folder: Path) -> None:
    command = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m numalint check ."
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60, env=with_numalint())
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"error: the current folder is not there any more: No such file or directory\n"


def with_numalint() -> dict[str, str]:
    """The environment in which numalint is found from any folder."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def test_too_little_memory_is_a_sentence(folder: Path) -> None:
    script = "import numalint.cli.check as each, numalint.__main__ as process; "
    script += "each.run = lambda *_: bytearray(1 << 60); process.run()"
    done = subprocess.run([sys.executable, "-c", script, "check", "."], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"error: there is not enough memory: check fewer files at a time\n"


def test_a_run_on_one_file_imports_nothing_that_it_does_not_need(folder: Path) -> None:
    script = (
        "import sys; from numalint.__main__ import run; sys.argv = ['numalint', 'check', 'db1.xml', '--host', 'pack:2 core:4 pu:1']\n"
        "try: run()\n"
        "except SystemExit as error: assert error.code == 1\n"
        "print(*sorted({'concurrent.futures', 'difflib', 'json', 'logging', 'multiprocessing', 'rich', 'sarif_om', 'subprocess',\n"
        "  'tarfile', 'tomllib', 'numalint.loaders.config_file', 'numalint.loaders.strict_toml'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == ""
