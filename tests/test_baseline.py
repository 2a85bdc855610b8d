"""What was there before is left out: by a baseline in a file, and by a revision of git. Standard input under a name."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

DOMAIN = """\
<domain>
  <name>{name}</name>
  <memory unit='GiB'>2</memory>
  <vcpu>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='{first}'/>
    <vcpupin vcpu='1' cpuset='{second}'/>
  </cputune>
</domain>
"""
CONFIG = """\
[hosts.kvm01]
topology = "pack:2 numa:1(memory=16GiB) core:4 pu:1"
domains = ["*.xml"]
[lint]
select = ["numatune-missing", "pcpu-double-booked", "cpu-nonexistent"]
"""
BASELINED = 'baseline = "numalint-baseline.json"\n' + CONFIG


def git(*arguments: str, folder: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    who = ["-c", "user.name=numalint", "-c", "user.email=numalint@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, env=clean, check=True, capture_output=True)


@pytest.fixture
def numalint(numalint_inside):
    return numalint_inside


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """db1 and db2, both without numatune, in a repository with one commit."""
    git("init", "-q", ".", folder=tmp_path)
    (tmp_path / "numalint.toml").write_text(CONFIG)
    (tmp_path / "db1.xml").write_text(DOMAIN.format(name="db1", first=0, second=1))
    (tmp_path / "db2.xml").write_text(DOMAIN.format(name="db2", first=2, second=3))
    git("add", "-A", folder=tmp_path)
    git("commit", "-qm", "one", folder=tmp_path)
    return tmp_path


@pytest.fixture
def baselined(numalint, fleet: Path) -> Path:
    done = numalint("baseline", "create", cwd=fleet)
    assert (done.code, done.out) == (0, "numalint-baseline.json: 2 findings written\n")
    assert done.err == (
        'numalint check reads it when numalint.toml says so: baseline = "numalint-baseline.json"\n'
    )  # fmt: skip
    (fleet / "numalint.toml").write_text(BASELINED)
    return fleet


def checked(numalint, folder: Path, *args: str) -> tuple[int, list[tuple[str, str]]]:
    done = numalint("check", *(args or (".",)), "--format", "json", cwd=folder)
    return done.code, [(each["domain"], each["rule"]) for each in json.loads(done.out)["results"]]


def entries(folder: Path) -> list[tuple[str, str, str]]:
    found = json.loads((folder / "numalint-baseline.json").read_text())
    assert found["format"] == "numalint.baseline/1"
    return [(each["domain"], each["rule"], each["host"]) for each in found["findings"]]


def test_a_baseline_has_a_finding_a_line_sorted(baselined: Path) -> None:
    lines = (baselined / "numalint-baseline.json").read_text().splitlines()
    assert lines[:3] == ["{", '  "format": "numalint.baseline/1",', '  "findings": [']
    assert [json.loads(line.strip().rstrip(","))["domain"] for line in lines[3:5]] == ["db1", "db2"]
    assert lines[5:] == ["  ]", "}"]


def test_an_empty_baseline_is_one(numalint, fleet: Path) -> None:
    numalint("baseline", "create", "--select", "cpu-nonexistent", cwd=fleet)
    assert entries(fleet) == []
    assert checked(numalint, fleet, "--baseline", "numalint-baseline.json")[0] == 1


def test_what_is_in_the_baseline_is_left_out_and_counted(numalint, baselined: Path) -> None:
    done = numalint("check", ".", cwd=baselined)
    assert (done.code, done.out) == (0, "")
    assert "known: 2 findings that were there before (--show-suppressed prints them)" in done.err
    assert checked(numalint, baselined, "--no-baseline")[0] == 1
    report = json.loads(numalint("check", ".", "--show-suppressed", "-f", "json", cwd=baselined).out)
    assert [each["suppressed_by"] for each in report["results"]] == ["baseline", "baseline"]
    assert report["results"][0]["suppressed"] == "it is in the baseline numalint-baseline.json"
    assert report["coverage"]["known"] == 2


def test_what_is_new_is_reported(numalint, baselined: Path) -> None:
    (baselined / "db3.xml").write_text(DOMAIN.format(name="db3", first=1, second=4))
    assert checked(numalint, baselined) == (1, [("db1", "pcpu-double-booked"), ("db3", "numatune-missing")])


def test_a_second_defect_like_a_known_one_is_new(numalint, baselined: Path) -> None:
    """Two files of one domain have findings of the same fingerprint: as often as it is known, it is covered."""
    (baselined / "copy.xml").write_text((baselined / "db1.xml").read_text())
    assert ("db1", "numatune-missing") in checked(numalint, baselined)[1]


def test_it_survives_a_renamed_file_moved_lines_and_another_layout(numalint, baselined: Path) -> None:
    text = (baselined / "db1.xml").read_text()
    (baselined / "db1.xml").unlink()
    one, two = "<vcpupin vcpu='0' cpuset='0'/>", "<vcpupin vcpu='1' cpuset='1'/>"
    moved = text.replace(one, "X").replace(two, one).replace("X", two).replace("\n  ", "\n\t\t")
    (baselined / "renamed.xml").write_text(f"<!-- moved -->\n\n{moved}")
    assert checked(numalint, baselined) == (0, [])


def test_a_stale_entry_is_told_where_it_stands(numalint, baselined: Path) -> None:
    (baselined / "db2.xml").unlink()
    done = numalint("check", ".", "-f", "concise", cwd=baselined)
    assert done.code == 0
    line = (baselined / "numalint-baseline.json").read_text().splitlines()[4]
    column = line.index('"fingerprint":"') + len('"fingerprint":"') + 1
    assert done.out == (
        f"numalint-baseline.json:5:{column}: note[baseline-stale] numalint-baseline.json: "
        "1 entry covers no finding: numatune-missing of db2\n"
    )


@pytest.mark.parametrize(
    "args",
    [("db1.xml",), (".", "--select", "cpu-nonexistent"), (".", "--exclude", "db2.xml"), (".", "--host", "pack:2 core:4 pu:1")],
)  # fmt: skip
def test_an_entry_is_not_stale_where_it_was_not_judged(numalint, baselined: Path, args: tuple[str, ...]) -> None:
    (baselined / "db2.xml").unlink()
    assert "baseline-stale" not in [rule for _, rule in checked(numalint, baselined, *args)[1]]


def test_standard_input_without_a_host_makes_nothing_stale(numalint, baselined: Path) -> None:
    done = numalint("check", "-", "-f", "concise", cwd=baselined, stdin=(baselined / "db1.xml").read_text())
    assert "baseline-stale" not in done.out


def test_prune_takes_out_what_is_gone_and_adds_nothing(numalint, baselined: Path) -> None:
    (baselined / "db2.xml").unlink()
    (baselined / "db3.xml").write_text(DOMAIN.format(name="db3", first=2, second=3))
    done = numalint("baseline", "prune", cwd=baselined)
    assert (done.code, done.out) == (0, "numalint-baseline.json: 0 findings added, 1 finding taken out\n")
    assert entries(baselined) == [("db1", "numatune-missing", "kvm01")]


def test_update_adds_takes_out_and_leaves_what_was_not_judged(numalint, baselined: Path) -> None:
    (baselined / "db3.xml").write_text(DOMAIN.format(name="db3", first=4, second=5))
    done = numalint("baseline", "update", "db3.xml", cwd=baselined)
    assert (done.code, done.out) == (0, "numalint-baseline.json: 1 finding added, 0 findings taken out\n")
    assert [domain for domain, _, _ in entries(baselined)] == ["db1", "db2", "db3"]
    (baselined / "db1.xml").unlink()
    done = numalint("baseline", "update", cwd=baselined)
    assert done.out == "numalint-baseline.json: 0 findings added, 1 finding taken out\n"
    assert [domain for domain, _, _ in entries(baselined)] == ["db2", "db3"]


def test_a_domain_that_cannot_be_read_is_never_known(numalint, fleet: Path) -> None:
    (fleet / "bad.xml").write_text("<domain><name>bad</name>")
    done = numalint("baseline", "create", cwd=fleet)
    assert done.code == 2
    assert [domain for domain, _, _ in entries(fleet)] == ["db1", "db2"]
    code, found = checked(numalint, fleet, ".", "--baseline", "numalint-baseline.json")
    assert (code, found) == (2, [("bad", "malformed-domain")])


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("baseline", "create"), "numalint-baseline.json is there already: numalint baseline update adds to it"),
        (("baseline", "update", "-o", "no.json"), "no.json: there is no such baseline\n  = help: numalint baseline create writes it"),
        (("baseline", "prune", "-o", "no/no.json"), "no/no.json: there is no such baseline"),
        (("baseline", "create", "-o", "no/no.json"), "the baseline cannot be written to no/no.json: No such file or directory"),
        (("check", ".", "--baseline", "no.json"), "no.json: there is no such baseline"),
        (("check", ".", "--baseline", "db1.xml"), "db1.xml: it is no baseline: JSON is malformed"),
        (("check", ".", "--baseline", "old.json"), "its format is 'numalint.baseline/0', and this numalint reads 'numalint.baseline/1'"),
        (("check", ".", "--baseline", "odd.json"), "it is no baseline: Object missing required field `host` - at `$.findings[0]`"),
        (("check", ".", "--baseline", "db1.xml", "--no-baseline"), "--baseline and --no-baseline: give one of them"),
        (("check", ".", "--stdin-filename", "db1.xml"), "--stdin-filename names what comes from standard input: give the path - too"),
        (("check", "-", "--since", "HEAD"), "--since cannot know what standard input was before: name its file with --stdin-filename"),
        (("check", ".", "--since", "nope"), "--since nope: git knows no revision 'nope' here"),
        (("check", ".", "--since", "--all"), "--since --all: git knows no revision '--all' here"),
    ],
)  # fmt: skip
def test_a_slip_is_a_sentence_and_exit_code_2(numalint, baselined: Path, args: tuple[str, ...], sentence: str) -> None:
    (baselined / "old.json").write_text('{"format": "numalint.baseline/0", "findings": []}')
    entry = '{"domain": "a", "rule": "b", "element": "c", "fingerprint": "d"}'
    (baselined / "odd.json").write_text(f'{{"format": "numalint.baseline/1", "findings": [{entry}]}}')
    done = numalint(*args, cwd=baselined)
    assert (done.code, done.out) == (2, "")
    assert f"error: {sentence}" in done.err or sentence in done.err
    assert "Traceback" not in done.err


def test_a_baseline_of_the_configuration_that_is_not_there_is_no_green_run(numalint, fleet: Path) -> None:
    (fleet / "numalint.toml").write_text(BASELINED)
    done = numalint("check", ".", cwd=fleet)
    assert (done.code, done.out) == (2, "")
    assert "numalint-baseline.json: there is no such baseline" in done.err


def test_since_reports_only_what_is_new(numalint, fleet: Path) -> None:
    assert checked(numalint, fleet, ".", "--since", "HEAD") == (0, [])
    git("mv", "db1.xml", "renamed.xml", folder=fleet)
    (fleet / "db3.xml").write_text(DOMAIN.format(name="db3", first=3, second=4))
    assert checked(numalint, fleet, ".", "--since", "HEAD") == (
        1,
        [("db2", "pcpu-double-booked"), ("db3", "numatune-missing")],
    )
    alone = checked(numalint, fleet, "db3.xml", "--since", "HEAD")
    assert alone == (1, [("db3", "numatune-missing"), ("db3", "pcpu-double-booked")])
    assert checked(numalint, fleet, "renamed.xml", "--since", "HEAD") == (0, [])
    assert sorted(path.name for path in fleet.iterdir()) == [
        ".git",
        "db2.xml",
        "db3.xml",
        "numalint.toml",
        "renamed.xml",
    ]


def test_since_judges_the_old_domains_on_the_old_host(numalint, fleet: Path) -> None:
    """The host lost a socket: what that broke is new, though no domain was changed."""
    (fleet / "db2.xml").write_text(DOMAIN.format(name="db2", first=4, second=5))
    git("commit", "-qam", "two", folder=fleet)
    (fleet / "numalint.toml").write_text(CONFIG.replace("pack:2", "pack:1"))
    assert checked(numalint, fleet, ".", "--since", "HEAD") == (1, [("db2", "cpu-nonexistent")])
    git("commit", "-qam", "three", folder=fleet)
    assert checked(numalint, fleet, ".", "--since", "HEAD") == (0, [])
    assert checked(numalint, fleet, ".", "--since", "HEAD~1") == (1, [("db2", "cpu-nonexistent")])


def test_since_with_a_host_of_the_command_line(numalint, fleet: Path) -> None:
    host = fleet / "kvm01.host.toml"
    host.write_text("format = 1\nsynthetic = 'pack:2 numa:1(memory=16GiB) core:4 pu:1'\n")
    git("add", "-A", folder=fleet)
    git("commit", "-qm", "host", folder=fleet)
    host.write_text("format = 1\nsynthetic = 'pack:1 numa:1(memory=16GiB) core:2 pu:1'\n")
    args = ("db2.xml", "--host", "kvm01.host.toml", "--since", "HEAD")
    assert ("db2", "cpu-nonexistent") in checked(numalint, fleet, *args)[1]
    assert ("db2", "cpu-nonexistent") not in checked(numalint, fleet, *args[:2], "pack:1 core:2 pu:1", *args[3:])[1]


def test_since_in_a_subfolder_and_from_a_shallow_clone(numalint, fleet: Path, tmp_path_factory) -> None:
    clone = tmp_path_factory.mktemp("clone")
    git("clone", "-q", "--depth", "1", f"file://{fleet}", ".", folder=clone)
    (clone / "db3.xml").write_text(DOMAIN.format(name="db3", first=4, second=5))
    assert checked(numalint, clone, ".", "--since", "HEAD") == (1, [("db3", "numatune-missing")])
    (fleet / "sub").mkdir()
    (fleet / "sub" / "db3.xml").write_text(DOMAIN.format(name="db3", first=4, second=5))
    assert checked(numalint, fleet / "sub", ".", "--since", "HEAD") == (1, [("db3", "numatune-missing")])


def test_since_outside_a_repository(numalint, tmp_path: Path) -> None:
    (tmp_path / "db1.xml").write_text(DOMAIN.format(name="db1", first=0, second=1))
    done = numalint("check", ".", "--since", "HEAD", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: --since needs a git repository, and this is in none\n"


def test_standard_input_stands_for_a_file(numalint, fleet: Path) -> None:
    """An editor checks what is not saved yet, in the place of the file that is: on its host, among the other domains."""
    text = DOMAIN.format(name="db1", first=2, second=9)
    done = numalint("check", "-", "--stdin-filename", "db1.xml", "-f", "concise", cwd=fleet, stdin=text)
    assert done.code == 1
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["db1.xml"] * 3
    assert "db1.xml:7:31: error[cpu-nonexistent] db1: " in done.out
    assert "pcpu-double-booked" in done.out

    new = numalint("check", "-", "--stdin-filename", "new/db9.xml", "-f", "concise", cwd=fleet, stdin=text)
    assert "new/db9.xml:7:31: error[cpu-nonexistent] db1: " in new.out


def test_a_file_that_standard_input_stands_for_may_be_excluded(numalint, fleet: Path) -> None:
    args = ("check", "-", "--stdin-filename", "old/db1.xml", "--exclude", "old/")
    done = numalint(*args, cwd=fleet, stdin=DOMAIN.format(name="db1", first=2, second=9))
    assert (done.code, done.out) == (2, "")
    assert "no libvirt domain was found in old/db1.xml (1 excluded)" in done.err
