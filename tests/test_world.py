"""Which domain meets which host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from numalint.cli import main

HOST = """format = 1
[topology]
sockets = 2
cores_per_node = {cores}
threads_per_core = 1
cpu_numbering = "threads-adjacent"
memory_per_node = "64 GiB"
distances = [[10, 21], [21, 10]]
"""

DOMAIN = """<domain type='kvm'>
  <name>{name}</name>
  <memory unit='GiB'>4</memory>
  <vcpu>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='0'/>
    <vcpupin vcpu='1' cpuset='{cpu}'/>
    <emulatorpin cpuset='2'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
</domain>
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def host(path: str, cores: int = 4) -> None:
    write(path, HOST.format(cores=cores))


def domain(path: str, cpu: int = 1) -> None:
    write(path, DOMAIN.format(name=Path(path).stem, cpu=cpu))


JUDGED_BY = ("cpu-nonexistent", "device-remote", "vcpupin-spans-sockets")


def check(*arguments: str) -> tuple[Result, dict]:
    done = CliRunner().invoke(main, ["check", *arguments, "--format", "json", "--select", ",".join(JUDGED_BY)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done, json.loads(done.stdout)


def hosts_of(report: dict) -> list[tuple[str, str, str | None]]:
    return [(result["rule"], result["domain"], result["host"]) for result in report["results"]]


def test_the_nearest_host_file_wins(folder: Path) -> None:
    host("small.host.toml", cores=2)
    host("big/big.host.toml", cores=8)
    domain("a.xml", cpu=9)
    domain("big/b.xml", cpu=9)
    domain("big/deep/c.xml", cpu=99)
    done, report = check(".")
    assert hosts_of(report) == [
        ("cpu-nonexistent", "a", "small"),
        ("vcpupin-spans-sockets", "b", "big"),
        ("cpu-nonexistent", "c", "big"),
    ]
    assert done.exit_code == 1
    assert report["coverage"]["hosts"] == ["big", "small"]


def test_two_host_files_at_one_level_are_an_error_that_names_both(folder: Path) -> None:
    host("one.host.toml")
    host("two.host.toml")
    domain("a.xml")
    done, report = check(".")
    (problem,) = report["problems"]
    assert done.exit_code == 2
    assert problem["message"] == "two hosts are equally near: one.host.toml and two.host.toml"
    assert "[hosts.one]" in problem["help"]
    assert report["coverage"]["domains"] == 1


def test_the_search_ends_at_the_working_directory_outside_a_repository(folder: Path) -> None:
    host("above.host.toml")
    domain("work/a.xml", cpu=99)
    done = CliRunner().invoke(main, ["check", "work"])
    assert "cpu-nonexistent" in done.stdout
    (folder / "work" / "numalint.toml").write_text("")
    _, report = check("work")
    assert report["coverage"]["hosts"] == []


def test_the_configuration_says_which_host(folder: Path) -> None:
    host("topology/one.host.toml", cores=2)
    host("topology/two.host.toml", cores=8)
    domain("on-one/a.xml", cpu=9)
    domain("on-two/b.xml", cpu=9)
    domain("nowhere/c.xml", cpu=9)
    write(
        "numalint.toml",
        "[hosts.first]\ntopology = 'topology/one.host.toml'\ndomains = ['on-one/*.xml']\n"
        "[hosts.second]\ntopology = ['topology/two.host.toml']\ndomains = ['on-two']\n",
    )
    _, report = check()
    assert hosts_of(report) == [("cpu-nonexistent", "a", "first"), ("vcpupin-spans-sockets", "b", "second")]
    assert report["coverage"]["without_host"] == 1


def test_a_domain_that_two_hosts_claim_is_an_error(folder: Path) -> None:
    host("one.host.toml")
    domain("a.xml")
    entry = "topology = 'one.host.toml'\ndomains = ['*.xml']\n"
    write("numalint.toml", f"[hosts.x]\n{entry}[hosts.y]\n{entry}")
    done, report = check()
    assert done.exit_code == 2
    assert [problem["message"] for problem in report["problems"]] == ["[hosts.x] and [hosts.y] both claim this domain"]


def test_the_option_wins_and_may_name_a_host_of_the_configuration_or_be_synthetic(folder: Path) -> None:
    host("one.host.toml", cores=2)
    domain("a.xml", cpu=9)
    write("numalint.toml", "[hosts.x]\ntopology = 'one.host.toml'\ndomains = []\n")
    assert hosts_of(check("a.xml", "--host", "x")[1]) == [("cpu-nonexistent", "a", "x")]
    assert hosts_of(check("a.xml", "--host", "pack:1 core:4 pu:1")[1]) == [("cpu-nonexistent", "a", "synthetic")]


def test_a_nodedev_file_is_no_host_by_itself_and_is_merged_into_the_one_beside_it(folder: Path) -> None:
    device = (
        "<device><name>pci_0000_3b_00_0</name><path>/sys/devices/pci0000:3a/0000:3b:00.0</path>"
        "<capability type='pci'><domain>0</domain><bus>59</bus><slot>0</slot><function>0</function>"
        "<numa node='1'/></capability></device>"
    )
    write("fleet/devices.xml", device)
    host("fleet/kvm01.host.toml")
    domain("fleet/a.xml")
    text = Path("fleet/a.xml").read_text().replace(
        "</domain>",
        "<devices><hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0x3b' slot='0' function='0'/>"
        "</source></hostdev></devices></domain>",
    )  # fmt: skip
    Path("fleet/a.xml").write_text(text)
    assert hosts_of(check(".")[1]) == [("device-remote", "a", "kvm01")]


def test_a_host_that_cannot_be_read_is_an_error_and_its_domains_are_judged_without(folder: Path) -> None:
    write("caps.xml", "<capabilities><host><topology>")
    domain("a.xml")
    done, report = check(".")
    assert done.exit_code == 2
    assert [(problem["kind"], problem["path"]) for problem in report["problems"]] == [("unreadable-host", "caps.xml")]
    assert report["coverage"]["without_host"] == 1


def test_a_domain_is_not_judged_on_a_farther_host_where_the_nearest_is_not_clear(folder: Path) -> None:
    host("far.host.toml", cores=2)
    host("two/one.host.toml")
    host("two/two.host.toml")
    write("broken/bad.host.toml", "format = 1\nslip = 1\n")
    domain("two/a.xml", cpu=99)
    domain("broken/b.xml", cpu=99)
    done, report = check(".")
    assert done.exit_code == 2
    assert {each["kind"] for each in report["problems"]} == {"ambiguous-host", "unreadable-host"}
    assert hosts_of(report) == []
    assert report["coverage"]["without_host"] == 2
