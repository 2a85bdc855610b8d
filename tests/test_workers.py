"""Several processes examine the files of a run: the report is that of one process, byte for byte."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from numalint.cli.check import check
from numalint.cli.request import asked_for, remaking, request_for
from numalint.engine import workers
from numalint.engine.request import Request
from numalint.engine.run import run
from numalint.engine.workers import Workers
from numalint.loaders.document import LoadError
from numalint.model.report import Report
from numalint.reporters.json import whole
from numalint.reporters.text import summary


def options(*arguments: str) -> dict:
    found = check.make_context("check", list(arguments)).params
    return {key: value for key, value in found.items() if key != "paths"}


def made(*arguments: str) -> tuple[Request, Callable[[], Request]]:
    asked = asked_for((".",), options(*arguments))
    request = request_for(asked)
    return request, remaking(asked, request)


def printed(report: Report) -> str:
    return whole(report, False) + summary(report, False)


@pytest.fixture
def fleet(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example fleet with all that a run may meet: files that cannot be read, and one that is somebody else's."""
    shutil.copytree(examples / "fleet", tmp_path / "fleet")
    monkeypatch.chdir(tmp_path / "fleet")
    monkeypatch.setattr(workers, "_FEWEST", 1)
    Path("lat01/bad.xml").write_text("<domain><name>bad</name>")
    Path("lat01/refused.xml").write_text("<domain><name>refused</name><memory>1</memory><vcpu>0</vcpu></domain>")
    Path("lat01/network.xml").write_text("<network/>")
    Path("homeless.xml").write_text("<domain><name>homeless</name><memory>1</memory><vcpu>1</vcpu></domain>")
    Path("host.xml").write_text("<capabilities/>")
    return tmp_path / "fleet"


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("arguments", [(), ("--select", "all"), ("--host", "lat01")])
def test_the_report_is_the_same(fleet: Path, count: int, arguments: tuple[str, ...]) -> None:
    expected, warnings = run(made(*arguments)[0])
    assert len(expected.results) > 10
    request, make = made(*arguments)
    with ThreadPoolExecutor(count) as executor:
        report, told = run(request, Workers(executor, count, make))
    assert printed(report) == printed(expected)
    assert sorted(told) == sorted(warnings)


def test_real_processes_print_the_same_bytes(numalint, tmp_path: Path) -> None:
    text = "<domain><name>d{0}</name><memory>1</memory><vcpu cpuset='{0}'>2</vcpu></domain>"
    for number in range(150):
        (tmp_path / f"d{number}.xml").write_text(text.format(number))
    args = ("check", ".", "--host", "pack:2 numa:1 core:4 pu:1", "--format", "json")
    one, two = (numalint(*args, "-j", jobs, cwd=tmp_path) for jobs in ("1", "2"))
    assert (one.code, one.out, one.err) == (two.code, two.out, two.err)
    assert one.code == 1


class Lost(Executor):
    """Workers that are killed."""

    def submit(self, *_args, **_more):
        raise BrokenProcessPool("a child was killed")


def test_a_worker_that_is_lost_ends_the_run_with_a_sentence(fleet: Path) -> None:
    request, make = made()
    with pytest.raises(LoadError, match="a worker process has ended before its time"):
        run(request, Workers(Lost(), 2, make))
