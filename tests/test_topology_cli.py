"""``numalint topology``: hosts captured, checked and compared on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from numalint.cli import main
from numalint.loaders.host.inputs import host_from_text

KVM01 = """\
format = 1
arch = "x86_64"
pci_complete = true

[[nodes]]
id = 0
socket = 0
cores = "0-1+4-5"
memory = "128 GiB"
hugepages = { "1G" = { total = 8, free = 8 } }
distances = [10, 21]

[[nodes]]
id = 1
socket = 1
cores = "2-3+6-7"
memory = "128 GiB"
hugepages = { "1G" = { total = 8, free = 8 } }
distances = [21, 10]

[cpus]
offline = ""
isolated = "3,7"
housekeeping = "0,4"

[[l3]]
cpus = ["0-1,4-5", "2-3,6-7"]

[pci]
"0000:3b:00.0" = { name = "ens3f0", node = 0, driver = "ixgbe", iommu_group = 40 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("kvm01.host.toml").write_text(KVM01)
    return tmp_path


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(main, ["topology", *arguments], prog_name="numalint")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_capture_prints_a_host_that_is_read_back(folder: Path) -> None:
    done = run("capture", "--from", "kvm01.host.toml", "--name", "hv07")
    assert (done.exit_code, done.stderr) == (0, "")
    assert 'name = "hv07"\n' in done.stdout
    assert str(folder) not in done.stdout
    assert host_from_text(done.stdout).names.keys() == {"ens3f0"}


def test_capture_to_a_file_says_what_it_wrote_and_what_is_unknown(folder: Path) -> None:
    done = run("capture", "--from", "pack:1 numa:2 core:2 pu:2", "-o", "new.host.toml")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith(
        "new.host.toml: synthetic with 2 nodes, 1 socket, 4 cores, 8 CPUs\nnot known of it: distances, "
    )
    assert run("diff", "new.host.toml", "pack:1 numa:2 core:2 pu:2").exit_code == 0


def test_capture_reads_this_machine_when_nothing_else_is_named(folder: Path) -> None:
    if not Path("/sys/devices/system/cpu/online").exists():
        pytest.skip("no Linux /sys here")
    assert run("capture", "-o", "here.host.toml").exit_code == 0
    assert run("check", "here.host.toml").exit_code == 0
    online = Path("/sys/devices/system/cpu/online").read_text().strip()
    assert str(host_from_text(Path("here.host.toml").read_text()).cpus) == online


def test_capture_merges_its_inputs_and_tells_where_they_differ(folder: Path) -> None:
    Path("own.host.toml").write_text('format = 1\n[node.1]\nmemory = "64 GiB"\n[cpus]\nisolated = "3"\n')
    done = run("capture", "--from", "own.host.toml", "--from", "kvm01.host.toml")
    assert done.exit_code == 0
    assert done.stderr == (
        "warning: memory of node 1: own.host.toml says 64 GiB, kvm01.host.toml says 128 GiB; took 64 GiB\n"
        "warning: isolated CPUs: own.host.toml says 3, kvm01.host.toml says 3,7; took 3\n"
    )


@pytest.mark.parametrize("target", ["none/x.host.toml", "."])
def test_a_capture_that_cannot_be_written_leaves_nothing(folder: Path, target: str) -> None:
    before = sorted(folder.iterdir())
    done = run("capture", "--from", "kvm01.host.toml", "-o", target)
    assert done.exit_code == 2
    assert f"the host cannot be written to {target}: " in done.stderr
    assert sorted(folder.iterdir()) == before


def test_a_capture_that_fails_leaves_the_file_that_was_there(folder: Path) -> None:
    done = run("capture", "--from", "none.xml", "-o", "kvm01.host.toml")
    assert done.exit_code == 2
    assert "none.xml: it cannot be read: No such file or directory" in done.stderr
    assert Path("kvm01.host.toml").read_text() == KVM01


def test_check_says_what_a_file_has_and_lacks(folder: Path) -> None:
    Path("small.host.toml").write_text('format = 1\n[[nodes]]\nid = 0\ncpus = "0-3"\n[cpus]\nisolated = "0-3"\n')
    done = run("check", "kvm01.host.toml", "small.host.toml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "kvm01.host.toml: numalint's TOML (kvm01, x86_64)\n"
        "  has: 2 nodes, 2 sockets, 2 L3 caches, 4 cores, 8 CPUs, 256 GiB, 1 PCI device\n"
        "small.host.toml: numalint's TOML (small)\n"
        "  has: 1 node, 4 CPUs\n"
        "  note: all CPUs are isolated: none is left for the host's own processes\n"
        "  note: CPUs are isolated, but which are kept for the host is not declared (housekeeping under [cpus])\n"
        "  unknown: "
    )
    assert "  unknown: pci, pci-node, names, iommu-groups\n    to know: " in done.stdout


def test_check_goes_on_after_a_file_that_cannot_be_read(folder: Path) -> None:
    Path("bad.host.toml").write_text("format = 1\nsynthetik = 3\n")
    done = run("check", "bad.host.toml", "kvm01.host.toml")
    assert done.exit_code == 2
    assert done.stderr == "error: bad.host.toml:2: synthetik: unknown key (did you mean 'synthetic'?)\n"
    assert "has: 2 nodes" in done.stdout


def test_what_contradicts_itself_is_no_good(folder: Path) -> None:
    Path("odd.host.toml").write_text("lenient = true\n" + KVM01.replace("total = 8, free = 8", "total = 800"))
    done = run("check", "odd.host.toml")
    assert done.exit_code == 2
    assert "  contradiction: node 0 has 128 GiB, but huge page pools of 800 GiB\n" in done.stdout


def test_check_together_judges_one_host(folder: Path) -> None:
    Path("devices.xml").write_text("""<device><name>pci_0000_5e_00_0</name><parent>computer</parent>
<capability type='pci'><domain>0</domain><bus>94</bus><slot>0</slot><function>0</function><numa node='1'/></capability>
</device>""")
    alone = run("check", "devices.xml")
    assert alone.exit_code == 0
    assert "  note: alone it serves no check: " in alone.stdout
    done = run("check", "--together", "kvm01.host.toml", "devices.xml")
    assert done.exit_code == 0
    assert "\ntogether: one host (kvm01, x86_64)\n  has: 2 nodes, " in done.stdout
    assert ", 2 PCI devices\n" in done.stdout


def test_inputs_that_contradict_each_other_are_no_good(folder: Path) -> None:
    Path("two.host.toml").write_text(KVM01.replace("node = 0, driver", "node = 1, driver"))
    assert run("check", "kvm01.host.toml", "two.host.toml").exit_code == 0
    done = run("check", "--together", "kvm01.host.toml", "two.host.toml")
    assert done.exit_code == 2
    assert (
        "  contradiction: node of PCI device 0000:3b:00.0: kvm01.host.toml says 0, two.host.toml says 1; took 0\n"
    ) in done.stdout
    Path("three.host.toml").write_text(KVM01.replace("0-1+4-5", "0,2+4-5").replace("2-3+6-7", "1,3+6-7"))
    other = run("check", "--together", "kvm01.host.toml", "three.host.toml")
    assert other.exit_code == 2
    assert "these inputs are not of one host" in other.stderr


def test_diff_says_what_changed(folder: Path) -> None:
    Path("new.host.toml").write_text(
        KVM01.replace(
            '"128 GiB"\nhugepages = { "1G" = { total = 8, free = 8 } }\ndistances = [21', '"96 GiB"\ndistances = [21'
        ).replace("node = 0, driver", "node = 1, driver")
    )
    done = run("diff", "kvm01.host.toml", "new.host.toml")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout == (
        "node 1 lost 32 GiB (96 GiB, was 128 GiB)\n"
        "the huge page pools of node 1 are no longer known (were 8 of 1 GiB)\n"
        "0000:3b:00.0 (ens3f0) moved from node 0 to node 1\n"
    )
    found = json.loads(run("diff", "kvm01.host.toml", "new.host.toml", "--format", "json").stdout)
    assert [each["what"] for each in found] == ["memory", "hugepages", "pci-node"]


def test_diff_of_the_same_is_empty(folder: Path) -> None:
    done = run("diff", "kvm01.host.toml", "kvm01.host.toml")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "kvm01.host.toml and kvm01.host.toml state the same of the host\n"
    assert run("diff", "kvm01.host.toml", "kvm01.host.toml", "-f", "json").stdout == "[]\n"


def test_diff_with_what_cannot_be_read(folder: Path) -> None:
    done = run("diff", "kvm01.host.toml", "none.xml")
    assert done.exit_code == 2
    assert "error: none.xml: it cannot be read: No such file or directory\n" in done.stderr


def test_names_cannot_drive_the_terminal(folder: Path) -> None:
    Path("evil.host.toml").write_text(KVM01.replace('"ens3f0"', '"\\u001b[2J"'))
    for arguments in (("diff", "kvm01.host.toml", "evil.host.toml"), ("capture", "--from", "evil.host.toml")):
        assert "\x1b" not in run(*arguments).output


@pytest.mark.parametrize("command", ["capture", "check", "diff"])
def test_each_command_has_help(command: str) -> None:
    done = run(command, "-h")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: numalint topology {command} ")
