"""numalint from Python: the report that the command line prints."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import numalint
from numalint.engine import workers
from numalint.reporters.json import whole

SYNTHETIC = "pack:2 numa:1 core:4 pu:1"
DOMAIN = "<domain><name>{}</name><memory>1</memory><vcpu cpuset='{}'>2</vcpu></domain>"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number in range(20):
        (tmp_path / f"db{number}.xml").write_text(DOMAIN.format(f"db{number}", number))
    return tmp_path


def test_the_report_is_that_of_the_command_line(numalint: object, folder: Path) -> None:
    import numalint as package  # noqa: PLC0415  # the fixture has its name

    report = package.check(folder, host=SYNTHETIC, select=["correctness", "memory"])
    done = numalint("check", ".", "--host", SYNTHETIC, "--select", "correctness,memory", "-f", "json", cwd=folder)
    assert json.loads(whole(report, False))["results"] == json.loads(done.out)["results"]
    assert {each.rule for each in report.results} >= {"cpu-nonexistent"}
    assert report.exit_code == done.code == 1


def test_an_executor_examines_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_FEWEST", 1)
    with ThreadPoolExecutor(3) as executor:
        assert (
            numalint.check(host=SYNTHETIC, executor=executor, workers=3).results
            == numalint.check(host=SYNTHETIC).results
        )


def test_a_cluster_examines_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    """Workers of dask, each in a process of its own, that see the same files."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "_FEWEST", 5)
    aside = {"dashboard_address": None, "local_directory": str(tmp_path_factory.mktemp("workers"))}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **aside) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        report = numalint.check(host=SYNTHETIC, executor=executor)
    assert report.results == numalint.check(host=SYNTHETIC).results
    assert report.coverage.domains == 20


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"select": "memori"}, ValueError, "there is no rule 'memori'; did you mean 'memory'?"),
        ({"baseline": "no.json"}, ValueError, "no.json: there is no such baseline"),
        ({"baseline": "a", "no_baseline": True}, ValueError, "--baseline and --no-baseline: give one of them"),
        ({"fail_on": "fatal"}, ValueError, "'fatal' is not one of 'note', 'warning', 'error'."),
        ({"format": "json"}, TypeError, "check() got an unexpected keyword argument 'format'"),
    ],
)
def test_what_cannot_be_obeyed_is_a_sentence(options: dict, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as caught:
        numalint.check(**options)
    assert sentence in str(caught.value)


def test_what_cannot_be_read_is_a_problem_of_the_report(folder: Path) -> None:
    report = numalint.check(folder / "no.xml", host=SYNTHETIC)
    assert (report.exit_code, [each.kind for each in report.problems]) == (2, ["no-such-path"])
