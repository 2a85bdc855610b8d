"""Every host of the corpus that can be read is the same after it was captured as TOML and read back."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from stripped import stripped

from numalint.loaders.document import LoadError
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import host_from_text, load_inputs
from numalint.model.contradictions import contradictions
from numalint.model.host import Host
from numalint.reporters.host.declaration import declaration
from numalint.reporters.host.diff import differences


@pytest.fixture(scope="module")
def hosts(corpus: Path) -> dict[str, Host]:
    """Each host of the corpus that can be read, by its file."""
    found = {}
    for path in sorted((corpus / "hosts").glob("*/*")):
        try:
            found[str(path.relative_to(corpus))] = load_inputs([str(path)], FORMATS)[0]
        except LoadError:
            continue  # what is refused, and with which sentence, is tested with the loader of each format
    return found


def test_every_host_is_the_same_after_a_capture(corpus: Path, hosts: dict[str, Host]) -> None:
    texts = {name: declaration(host) for name, host in hosts.items()}
    back = {name: host_from_text(text) for name, text in texts.items()}
    assert [name for name, host in hosts.items() if stripped(back[name]) != stripped(host)] == []
    assert [name for name, host in hosts.items() if differences(host, back[name])] == []
    assert [name for name, text in texts.items() if declaration(back[name]) != text] == []
    assert [name for name, text in texts.items() if str(corpus) in text] == []
    assert len(hosts) >= 250


def test_only_hosts_that_contradict_themselves_are_lenient(hosts: dict[str, Host]) -> None:
    """Fixtures of libvirt have pools of 6 TiB on a node of 1 GiB; three old machines say that a node is far from itself."""
    odd = sorted(name.rpartition("/")[2] for name, host in hosts.items() if contradictions(host))
    assert odd == [
        "hwloc-4ia64-4s.tar.bz2",
        "hwloc-8ia64-4s2c.tar.bz2",
        "hwloc-offline-cpu0-node0.hardware.txt",
        "libvirt-vircaps-aarch64-basic-clusters.xml",
        "libvirt-vircaps-aarch64-basic.xml",
        "libvirt-vircaps-x86_64-basic.xml",
        "libvirt-vircaps-x86_64-hmat.xml",
        "libvirt-vircaps-x86_64-resctrl-cdp.xml",
        "libvirt-vircaps-x86_64-resctrl.xml",
    ]


def test_several_inputs_of_one_host_make_one_that_is_the_same_after_a_capture(corpus: Path) -> None:
    by_host: dict[str, list[str]] = defaultdict(list)
    for folder in ("sysfs", "lscpu", "numactl"):
        for path in sorted((corpus / "hosts" / folder).iterdir()):
            by_host[path.name.partition(".")[0]].append(str(path))
    several = [paths for paths in by_host.values() if len(paths) > 1]
    assert len(several) >= 15
    for paths in several:
        host = load_inputs(paths, FORMATS)[0]
        assert stripped(host_from_text(declaration(host))) == stripped(host), paths
