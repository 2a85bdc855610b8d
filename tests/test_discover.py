"""Which files a run looks at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numalint.engine.discover import Excludes, discover
from numalint.engine.glob import Globs, matches


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.xml", "sub/b.xml", "sub/c.txt", "built/d.xml", ".hidden/e.xml", "host.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("<x/>")
    return tmp_path


def files(*paths: str, tracked: bool = False, exclude: tuple[str, ...] = ()) -> list[str]:
    excludes = Excludes(((os.getcwd(), exclude),))
    return sorted(discover(paths, excludes, tracked=tracked).files)


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], check=True, capture_output=True)


def test_a_folder_means_its_xml_and_toml_but_nothing_hidden(folder: Path) -> None:
    assert files(".") == ["a.xml", "built/d.xml", "host.toml", "sub/b.xml"]


def test_a_file_that_is_named_may_be_called_anything_and_is_there_once(folder: Path) -> None:
    assert files("sub/c.txt", "sub", "sub/b.xml", str(folder / "sub" / "b.xml")) == ["sub/b.xml", "sub/c.txt"]


def test_globs_leave_files_out_also_those_that_are_named(folder: Path) -> None:
    assert files(".", "sub/c.txt", exclude=("sub/", "d.xml")) == ["a.xml", "host.toml"]
    found = discover(["a.xml"], Excludes(((str(folder), ("*.xml",)),)), tracked=False)
    assert (list(found.files), found.excluded) == ([], 1)


def test_gitignore_is_respected_also_for_files_that_are_named(folder: Path) -> None:
    git("init", "-q")
    Path(".gitignore").write_text("built/\n")
    assert files(".", "built/d.xml") == [".hidden/e.xml", "a.xml", "host.toml", "sub/b.xml"]
    assert files("sub") == ["sub/b.xml"]


def test_tracked_means_what_git_tracks(folder: Path) -> None:
    git("init", "-q")
    git("add", "sub/b.xml", "built/d.xml")
    assert files(".", "a.xml", tracked=True) == ["built/d.xml", "sub/b.xml"]
    Path("built/d.xml").unlink()
    assert files(".", tracked=True) == ["sub/b.xml"]


def test_a_repository_inside_a_repository_is_looked_into(folder: Path) -> None:
    git("init", "-q")
    git("-C", "sub", "init", "-q")
    assert "sub/b.xml" in files(".")


def test_tracked_outside_a_repository_is_a_problem(folder: Path) -> None:
    found = discover(["."], Excludes(), tracked=True)
    assert [problem.kind for problem in found.problems] == ["not-in-git"]


def test_a_path_that_matches_nothing_is_a_problem(folder: Path) -> None:
    os.mkfifo("pipe")
    Path("dead.xml").symlink_to("nowhere")
    found = discover(["none/*.xml", "pipe", "dead.xml"], Excludes(), tracked=False)
    assert [(problem.path, problem.message) for problem in found.problems] == [
        ("none/*.xml", "there is no such file or folder"),
        ("pipe", "it is a FIFO, not a file"),
        ("dead.xml", "it is a link to a file that does not exist"),
    ]


def test_a_loop_of_links_ends_and_a_file_is_looked_at_once(folder: Path) -> None:
    Path("sub/loop").symlink_to("..")
    Path("autostart.xml").symlink_to("a.xml")
    assert len(files(".")) == 4


@pytest.mark.parametrize(
    ("pattern", "path", "met"),
    [
        ("*.xml", "a.xml", True),
        ("*.xml", "sub/a.xml", True),
        ("domains/*.xml", "domains/a.xml", True),
        ("domains/*.xml", "domains/sub/a.xml", False),
        ("domains/**/*.xml", "domains/sub/deep/a.xml", True),
        ("domains/**/*.xml", "domains/a.xml", True),
        ("domains/**", "domains/sub/a.xml", True),
        ("templates", "x/templates/a.xml", True),
        ("templates/", "x/templates/a.xml", True),
        ("/templates", "x/templates/a.xml", False),
        ("db[0-9].xml", "db7.xml", True),
        ("db[!0-9].xml", "db7.xml", False),
        ("db?.xml", "db12.xml", False),
        ("a.xml", "b.xml", False),
        ("a+b (1).xml", "a+b (1).xml", True),
    ],
)
def test_globs(pattern: str, path: str, met: bool) -> None:
    assert matches(path, [pattern]) is met


PARTS = st.text("ab*?[]!", min_size=1, max_size=4)


@given(
    st.lists(st.tuples(st.booleans(), st.lists(PARTS, min_size=1, max_size=3), st.booleans()), max_size=6),
    st.lists(st.sampled_from(["a", "b", "ab", "ba", "abb", ".."]), min_size=1, max_size=4),
)
def test_globs_put_aside_are_met_as_if_each_were_tried(globs: list, parts: list[str]) -> None:
    written = [("/" * first + "/".join(body) + "/" * last, number) for number, (first, body, last) in enumerate(globs)]
    path = "/".join(parts)
    assert Globs(written).met(path) == [each for each in written if matches(path, (each[0],))]
