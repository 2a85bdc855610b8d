"""The example of a fleet: each rule about all domains of a host speaks once, and what is reported is the same from whichever side."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from numalint.cli import main
from numalint.plugins import load

FLEET = "examples/fleet"

EXPECTED = {
    ("db1 db2", "warning[pcpu-double-booked]", "gen01"),
    ("db1 db2 web1", "note[pcpu-pinned-and-floating]", "gen01"),
    ("erp2 web1", "warning[domain-name-or-uuid-clash]", "gen01"),
    ("erp1 erp2", "note[core-shared-across-domains]", "gen01"),
    ("erp1 erp2", "note[node-imbalance]", "gen01"),
    ("erp1 erp2", "error[node-memory-overcommitted]", "gen01"),
    ("erp1 erp2", "note[node-without-reserve]", "gen01"),
    ("calc1", "warning[housekeeping-used]", "lat02"),
    ("calc1 risk1", "note[cpu-overcommit]", "lat01"),
    ("calc1 risk1", "warning[host-memory-overcommitted]", "lat01"),
    ("md1 md2", "error[hugepage-pool-overcommitted]", "lat01"),
    ("md1 md2", "warning[iommu-group-split]", "lat01"),
    ("md1 md2", "note[llc-shared-across-domains]", "lat01"),
    ("md1 risk1", "warning[pci-device-double-assigned]", "lat01"),
    ("md2 risk1", "warning[thread-on-foreign-cpus]", "lat01"),
    ("numalint", "warning[suppression-expired]", ""),
    ("numalint", "note[suppression-unused]", ""),
}
"""The files that a finding is about, without the suffix, its severity and rule, and its host."""

ACCEPTED = {
    ("calc1", "numatune-missing", "source"),
    ("mon1", "device-remote", "source"),
    ("erp1", "emulatorpin-remote", "configuration"),
    ("erp1", "iothread-remote", "configuration"),
    ("erp2", "emulatorpin-remote", "configuration"),
    ("erp2", "iothread-remote", "configuration"),
    ("db1", "disk-without-iothread", "baseline"),
    ("db2", "disk-without-iothread", "baseline"),
    ("mail1", "numatune-missing", "baseline"),
}
"""What is not shown, and what hides it."""


@pytest.fixture(autouse=True)
def beside_the_examples(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(examples.parent)


@pytest.fixture(scope="module")
def files(examples: Path) -> list[str]:
    """The files of the domains, as paths on the command line."""
    found = sorted(path.relative_to(examples.parent).as_posix() for path in examples.glob("fleet/*0[12]/*.xml"))
    assert len(found) == 20
    return found


def check(*args: str) -> Result:
    done = CliRunner().invoke(main, ["check", *args])
    assert done.exit_code in (0, 1), done.stderr
    return done


def results(*args: str) -> list[dict]:
    report = json.loads(check(*args, "--format", "json").stdout)
    assert not report["problems"]
    return report["results"]


def shuffle(paths: list[str], seed: int) -> list[str]:
    return sorted(paths, key=lambda path: hashlib.sha256(f"{seed} {path}".encode()).digest())


def paths_of(result: dict) -> set[str]:
    """The files of all parties of a finding."""
    return {result["span"]["path"], *result["others"]}


def identity(result: dict) -> tuple[str, ...]:
    """What a finding is, whichever of its files it points at."""
    told = (result["rule"], result["severity"], result["host"] or "", result["message"], result["fingerprint"])
    return (*told, *sorted(paths_of(result)))


def of_domains(found: list[dict]) -> list[dict]:
    return [each for each in found if each["span"]["path"].endswith(".xml")]


def test_every_finding_is_there_on_purpose() -> None:
    found = [
        (
            " ".join(sorted(Path(path).stem for path in paths_of(each))),
            f"{each['severity']}[{each['rule']}]",
            each["host"] or "",
        )
        for each in results(FLEET)
    ]
    assert sorted(found) == sorted(EXPECTED)


def test_what_is_accepted_is_counted_and_shown_on_demand() -> None:
    report = json.loads(check(FLEET, "--format", "json", "--show-suppressed").stdout)
    hidden = {
        (each["domain"], each["rule"], each["suppressed_by"]) for each in report["results"] if each["suppressed_by"]
    }
    assert hidden == ACCEPTED
    assert (report["coverage"]["domains"], report["coverage"]["hosts"]) == (20, ["gen01", "lat01", "lat02"])
    assert (report["coverage"]["suppressed"], report["coverage"]["known"]) == (6, 3)


def test_each_rule_about_all_domains_of_a_host_speaks_once() -> None:
    host_wide = sorted(rule.id for rule in load().rules.values() if rule.shape == "host")
    assert sorted(each["rule"] for each in results(FLEET) if each["rule"] in host_wide) == host_wide


def test_a_domain_that_moves_is_wrong_on_one_of_its_hosts() -> None:
    (moved,) = [each for each in results(FLEET) if each["host"] == "lat02"]
    assert moved["span"]["path"] == f"{FLEET}/lat01/calc1.xml"
    (alike,) = [each for each in results(FLEET, "--show-suppressed") if each["also_on"]]
    assert (alike["domain"], alike["host"], alike["also_on"]) == ("calc1", "lat01", ["lat02"])


def test_domains_that_are_declared_never_to_run_together_would_clash(examples: Path, tmp_path: Path) -> None:
    shutil.copytree(examples / "fleet", tmp_path / "fleet")
    config = tmp_path / "fleet" / "numalint.toml"
    config.write_text("".join(line for line in config.open() if not line.startswith("exclusive-groups")))
    gateways = [each["rule"] for each in results(str(tmp_path / "fleet")) if "gw1" in each["message"]]
    assert gateways == ["pci-device-double-assigned"]


def test_the_comments_in_the_files_say_what_is_wrong_together(files: list[str]) -> None:
    guilty = {name for names, _, _ in EXPECTED for name in names.split()} - {"numalint"}
    assert {Path(path).stem for path in files if "Wrong" in Path(path).read_text()} == guilty
    assert len(files) - len(guilty) == 11


def test_a_file_alone_gives_what_touches_it(files: list[str]) -> None:
    whole = of_domains(results(FLEET))
    for path in files:
        alone = of_domains(results(path))
        assert sorted(map(identity, alone)) == sorted(identity(each) for each in whole if path in paths_of(each)), path


def test_the_order_of_paths_changes_no_byte(files: list[str]) -> None:
    folders = [f"{FLEET}/{name}" for name in ("gen01", "lat01", "lat02")]
    for some in (files, folders, [*folders, *files]):
        expected = check(*some, "--format", "json").stdout
        for seed in range(4):
            shuffled = shuffle(some, seed)
            assert check(*shuffled, "--format", "json").stdout == expected


def test_the_parts_of_a_split_run_make_the_whole(files: list[str]) -> None:
    """That a suppression is over is told with a finding that it covered; that one is unused, where all is looked at."""
    whole = {identity(each) for each in results(FLEET) if each["rule"] != "suppression-unused"}
    for seed in range(4):
        shuffled = shuffle(files, seed)
        parts = [shuffled[number :: 2 + seed] for number in range(2 + seed)]
        assert {identity(each) for part in parts for each in results(*part)} == whole
        assert all(
            check(*part, "--format", "json").stdout == check(*sorted(part), "--format", "json").stdout for part in parts
        )


def test_the_readme_lists_each_finding(examples: Path) -> None:
    readme = (examples / "fleet" / "README.md").read_text()
    table = readme[readme.index("## What is wrong") : readme.index("## What is accepted")]
    rows = re.findall(r"^\| (\[.*?) \| (\w*) ?\| `([a-z-]+)`(?: \((\w+)\))? \|", table, re.MULTILINE)
    listed = [
        (
            " ".join(Path(path).stem for path in re.findall(r"\((.*?)\)", links)),
            f"{severity or 'warning'}[{rule}]",
            host,
        )
        for links, host, rule, severity in rows
    ]
    assert sorted(listed) == sorted(EXPECTED)


def test_the_readme_lists_what_is_accepted(examples: Path) -> None:
    readme = (examples / "fleet" / "README.md").read_text()
    table = readme[readme.index("## What is accepted") : readme.index("## Read it like this")]
    rows = re.findall(r"^\| (\[.*?) \| (`.*?) \|", table, re.MULTILINE)
    listed = {
        (domain, rule)
        for links, rules in rows
        for domain in re.findall(r"\[(\w+)\]", links)
        for rule in re.findall(r"`([a-z-]+)`", rules)
    }
    assert listed == {(domain, rule) for domain, rule, _ in ACCEPTED}


def test_the_readme_shows_what_the_tool_prints(examples: Path, numalint) -> None:
    readme = (examples / "fleet" / "README.md").read_text()
    done = numalint("check", FLEET, cwd=examples.parent)
    shown = re.findall(r"```text\n(.*?)```", readme, re.DOTALL)
    assert len(shown) >= 6
    for each in shown:
        assert each.strip() in done.out + done.err, each


def test_the_links_of_the_readme_lead_somewhere(examples: Path) -> None:
    folder = examples / "fleet"
    links = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text())
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_baseline_is_what_the_command_of_the_readme_makes(examples: Path, tmp_path: Path) -> None:
    readme = (examples / "fleet" / "README.md").read_text()
    (command,) = re.findall(r"^numalint (baseline create .*)$", readme, re.MULTILINE)
    made = tmp_path / "baseline.json"
    done = CliRunner().invoke(main, [*command.split(), "--output", str(made)])
    assert done.exit_code == 0, done.stderr
    assert made.read_bytes() == (examples / "fleet" / "numalint-baseline.json").read_bytes()
