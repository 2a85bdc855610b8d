"""Hostile input: files without end, bombs, escapes, and what is no file; each is bounded, and told with a sentence."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import numalint
from numalint.engine.examine import Examiner
from numalint.engine.judge import Judge
from numalint.engine.locate import Locator
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


def bounded(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """A run that may take 1 GiB of addresses and 30 seconds."""
    command = [*COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, preexec_fn=limited, **more)


TOO_LARGE = f"it is larger than {LARGEST_FILE >> 20} MiB, which no file of domains is"


def test_a_file_without_end_is_a_sentence(folder: Path) -> None:
    with open(folder / "big.xml", "wb") as file:
        file.write(b"<domain type='kvm'><name>x</name>")
        file.truncate(2 << 30)
    done = bounded("check", "big.xml", "-q")
    assert done.returncode == 2
    assert done.stderr == f"error: big.xml: the file cannot be read: {TOO_LARGE}\n"


def test_ten_million_attributes_are_a_sentence(folder: Path) -> None:
    with open(folder / "wide.xml", "w") as file:
        file.write("<domain type='kvm'")
        file.writelines(
            "".join([f" {'abcdefghij'[million]}{number}=''" for number in range(1_000_000)]) for million in range(10)
        )
        file.write("/>")
    done = bounded("check", "wide.xml", "-q")
    assert done.returncode == 2
    assert done.stderr == f"error: wide.xml: the file cannot be read: {TOO_LARGE}\n"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is nothing without an end")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "-"], f"standard input: {TOO_LARGE}"),
        (["check", "/dev/zero"], "/dev/zero: it is a device, not a file"),
        (["show", "/dev/zero"], "/dev/zero: it is no plain file"),
        (["check", "db1.xml", "--host", "/dev/zero"], "/dev/zero: it is no plain file"),
        (["check", "db1.xml", "--config", "/dev/zero"], "/dev/zero: it is no plain file"),
        (["check", "db1.xml", "--baseline", "/dev/zero"], "/dev/zero: it is no plain file"),
        (["topology", "diff", "/dev/zero", HOST], "/dev/zero: it is no plain file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_device_without_end_is_a_sentence_wherever_it_stands(folder: Path, arguments: list[str], said: str) -> None:
    with open("/dev/zero", "rb") as endless:
        done = bounded(*arguments, stdin=endless)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


HOSTILE = {
    "entities": '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + "]><domain><name>&j;</name></domain>",
    "a file as an entity": "<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><domain><name>&a;</name></domain>",
    "a DTD of the network": "<!DOCTYPE domain SYSTEM 'http://example.invalid/a.dtd'><domain/>",
    "many levels": f"<domain>{'<a>' * 200_000}{'</a>' * 200_000}</domain>",
    "many attributes": "<domain " + "".join(f"a{number}='' " for number in range(1_000_000)) + "/>",
    "many pins": "<domain><vcpu>1</vcpu><cputune>" + "<vcpupin vcpu='0' cpuset='0'/>" * 100_000 + "</cputune></domain>",
    "many pages": "<domain><memoryBacking><hugepages>"
    + "".join(f"<page size='{number}' nodeset='{number}'/>" for number in range(16_000))
    + "</hugepages></memoryBacking></domain>",
    "many suppressions": "<domain>" + "<!-- numalint: ignore[pins] why --><a/>" * 30_000 + "</domain>",
    "many domains": DOMAIN.replace(
        "</domain>", "<a/>" * 200 + "<cputune><vcpupin vcpu='9' cpuset='0'/></cputune></domain>"
    )
    * 4_000,
    "a NUL": "<domain><name>a\0</name></domain>",
    "an undefined entity": "<domain><name>&nbsp;</name></domain>",
}


MANY_FINDINGS = ("many pins", "many pages", "many suppressions", "many domains")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_bounded_and_never_green(folder: Path, name: str) -> None:
    (folder / "hostile.xml").write_text(HOSTILE[name])
    done = bounded("check", "hostile.xml", "-f", "concise")
    assert done.returncode == (1 if name in MANY_FINDINGS else 2), done.stderr[-500:]
    assert "malformed-domain" in done.stdout or name.startswith("many")
    assert "root:" not in done.stdout
    assert "Traceback" not in done.stderr


def test_many_findings_on_one_long_line_are_shown_in_time(folder: Path) -> None:
    (folder / "long.xml").write_text(HOSTILE["many domains"])
    done = bounded("check", "long.xml", "-f", "text")
    assert done.returncode == 1
    assert done.stdout.count("warning[vcpupin-unknown-vcpu]") == 4_000
    assert max(map(len, done.stdout.splitlines())) < 400


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
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind("socket.xml")  # by its short name: the path of a socket may have but 107 bytes
    os.symlink("loop", folder / "loop")
    os.symlink(".", folder / "again")
    done = bounded("check", ".", "--host", HOST, "-f", "concise")
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    for name, said in [
        ("fifo.xml", "it is a FIFO, not a file"),
        ("socket.xml", "it is a socket, not a file"),
        ("loop", "it is a link to a file that does not exist"),
    ]:
        done = bounded("check", name, "--host", HOST)
        assert done.returncode == 2
        assert f"error: {name}: {said}" in done.stderr


def test_folders_that_link_to_one_another_are_walked_once(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / f"{name}.xml").write_text(DOMAIN.replace("db1", name))
    os.symlink("../b", folder / "a" / "other")
    os.symlink("../a", folder / "b" / "other")
    done = bounded("check", ".", "a/other/other/other", "--host", HOST, "-f", "json")
    paths = [each["span"]["path"] for each in json.loads(done.stdout)["results"]]
    assert (done.returncode, paths) == (1, ["a/a.xml", "b/b.xml", "db1.xml"])


@pytest.mark.parametrize(
    "arguments",
    [["--config", "loop"], ["--host", "loop"], ["--baseline", "loop"], []],
    ids=lambda arguments: arguments[0] if arguments else "numalint.toml",
)
def test_a_link_that_leads_to_itself_is_a_sentence_wherever_it_stands(folder: Path, arguments: list[str]) -> None:
    name = arguments[1] if arguments else "numalint.toml"
    os.symlink(name, folder / name)
    done = bounded("check", "db1.xml", "-q", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {name}: ")
    assert done.stderr.endswith("cannot be read: Too many levels of symbolic links\n")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("nowhere", path)], ids=["FIFO", "link to nowhere"])
def test_a_configuration_that_is_no_file_is_not_passed_over(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "numalint.toml")
    done = bounded("check", "db1.xml", "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: numalint.toml: ")


def test_a_folder_that_cannot_be_read_is_told_and_the_rest_is_judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder refuses, as root is refused nothing."""
    (folder / "secret").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> Iterator[os.DirEntry[str]]:
        if os.path.basename(path) == "secret":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    report = numalint.check(host=HOST)
    assert (report.exit_code, [each.rule for each in report.results]) == (2, ["cpu-nonexistent"])
    told = [(each.kind, each.path, each.message) for each in report.problems]
    assert told == [("unreadable-file", "./secret", "the folder cannot be read: Permission denied")]


LISTENED = [
    "<!DOCTYPE domain SYSTEM '{url}'><domain/>",
    "<!DOCTYPE domain PUBLIC '-//x//y' '{url}'><domain/>",
    "<!DOCTYPE domain [<!ENTITY a SYSTEM '{url}'>]><domain><name>&a;</name></domain>",
    "<!DOCTYPE domain [<!ENTITY % a SYSTEM '{url}'> %a;]><domain/>",
    "<?xml-stylesheet href='{url}'?><domain/>",
    "<domain xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='{url}'/></domain>",
    "<domain xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:noNamespaceSchemaLocation='{url}'/>",
    "<!DOCTYPE topology SYSTEM '{url}'><topology version='2.0'><object type='Machine'/></topology>",
]


@pytest.mark.parametrize("text", LISTENED)
def test_nothing_that_a_file_names_is_fetched(folder: Path, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        (folder / "a.xml").write_text(text.replace("{url}", f"http://127.0.0.1:{server.getsockname()[1]}/a.dtd"))
        done = bounded("check", "a.xml", "--host", "a.xml")  # it is read as the one and as the other
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        with pytest.raises(BlockingIOError):  # nobody came
            server.accept()


# --- files that change or vanish while they are looked at ------------------------------------------------------------


def just_before(monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], change: Callable[[], object]) -> None:
    """Do something to the files when a run is about to take a step for the first time."""
    do, changes = getattr(*step), [change]

    def changed(self: object, *arguments: object) -> object:
        while changes:
            changes.pop()()
        return do(self, *arguments)

    monkeypatch.setattr(*step, changed)


READING, LOCATING = (Examiner, "examine"), (Locator, "results")
HOST_FILE = """format = 1
[[nodes]]
id = 0
cores = "0-3"
distances = [10, 20]
[[nodes]]
id = 1
cores = "4-7"
distances = [20, 10]
"""
CLAIMED = DOMAIN.replace(" cpuset='99'", "").replace(
    "</domain>", "<cputune><vcpupin vcpu='0' cpuset='1'/></cputune></domain>"
)


def test_a_file_that_vanishes_before_it_is_read_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "db2.xml").write_text(DOMAIN.replace("db1", "db2"))
    just_before(monkeypatch, READING, (folder / "db1.xml").unlink)
    report = numalint.check(host=HOST)
    assert (report.exit_code, [each.domain for each in report.results]) == (2, ["db2"])
    told = [(each.path, each.message) for each in report.problems]
    assert told == [("db1.xml", "the file cannot be read: No such file or directory")]


@pytest.mark.parametrize("after", [None, "", "<domain", "\n\n\n"], ids=["gone", "empty", "broken", "another"])
def test_a_file_that_changes_after_it_was_read_is_reported_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, after: str | None
) -> None:
    file = folder / "db1.xml"
    just_before(monkeypatch, LOCATING, file.unlink if after is None else lambda: file.write_text(after))
    report = numalint.check(host=HOST)
    (found,) = report.results
    assert (report.exit_code, found.rule, found.span.line) == (1, "cpu-nonexistent", 1)
    assert DOMAIN[found.span.column - 1 : found.span.end_column - 1] == "99"
    assert not report.problems


@pytest.mark.parametrize("after", [None, "", "format = 1", "[[["], ids=["gone", "empty", "another", "broken"])
def test_a_host_that_changes_after_it_was_read_costs_no_finding(
    folder: Path, monkeypatch: pytest.MonkeyPatch, after: str | None
) -> None:
    file = folder / "kvm01.host.toml"
    file.write_text(HOST_FILE)
    (folder / "db1.xml").write_text(DOMAIN.replace("cpuset='99'", "cpuset='3-4'"))
    asked = {"select": "cpuset-spans-nodes", "fail_on": "note"}
    (before,) = numalint.check(**asked).results
    assert [each.span.path for each in before.related] == ["kvm01.host.toml", "kvm01.host.toml"]
    just_before(monkeypatch, LOCATING, file.unlink if after is None else lambda: file.write_text(after))
    report = numalint.check(**asked)
    (found,) = report.results
    assert (found.message, found.span, found.fingerprint) == (before.message, before.span, before.fingerprint)
    assert report.exit_code == (2 if report.problems else 1)
    assert found.related == () or after is not None


@pytest.mark.parametrize("after", [None, "<domain", "<domain/>"], ids=["gone", "broken", "another"])
@pytest.mark.parametrize("step", [(Judge, "judge_fleet"), LOCATING], ids=["judging", "locating"])
def test_a_conflict_whose_files_change_is_never_green(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], after: str | None
) -> None:
    files = [folder / "db1.xml", folder / "db2.xml"]
    for file in files:
        file.write_text(CLAIMED.replace("db1", file.stem))
    asked = {"host": HOST, "select": "pcpu-double-booked"}
    assert [each.rule for each in numalint.check(**asked).results] == ["pcpu-double-booked"]
    just_before(
        monkeypatch, step, lambda: [file.unlink() if after is None else file.write_text(after) for file in files]
    )
    report = numalint.check(**asked)
    assert report.results or [each.help for each in report.problems] == ["run numalint again"]
    assert report.exit_code


def test_a_baseline_that_vanishes_after_it_was_read_has_done_its_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stale in it is told at its first line, or where it was."""
    subprocess.run([*COMMAND, "baseline", "create", "--host", HOST], check=True, capture_output=True, timeout=60)
    (folder / "db1.xml").write_text(DOMAIN.replace("99", "1"))
    just_before(monkeypatch, LOCATING, (folder / "numalint-baseline.json").unlink)
    report = numalint.check(host=HOST, baseline="numalint-baseline.json")
    assert [each.rule for each in report.results] == ["baseline-stale"]
