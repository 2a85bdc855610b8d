"""What a file is, is told from its first bytes, never from its name."""

from __future__ import annotations

import io
import tarfile

import pytest

from numalint.loaders.document import read_head
from numalint.loaders.host.formats import FORMATS, looks_synthetic
from numalint.loaders.host.inputs import recognise


def archive(mode: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as tar:
        tar.addfile(tarfile.TarInfo("host/sys"))
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<capabilities><host/></capabilities>", "capabilities"),
        (b"<?xml version='1.0'?>\n<!-- of kvm01 -->\n<capabilities>", "capabilities"),
        (b"<capabilities xmlns='urn:other'/>", None),
        (b"<domainCapabilities/>", None),
        (
            b'<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n<topology version="2.0"><object type="Machine"/></topology>',
            "hwloc",
        ),
        (b"<topology><node/></topology>", None),
        (b"<device>\n<name>computer</name><capability type='system'/></device>", "nodedev"),
        (b"<node><device>\n<capability/></device></node>", "nodedev"),
        (b"<device xmlns='urn:other'><device><capability/></device></device>", None),
        (b"<device><make>Acme</make></device>", None),
        (b"format = 1\nname = 'x'\n", "host.toml"),
        (b"# my host\nname = 'x'\nformat = 1\n[topology]\n", "host.toml"),
        (b"[tool]\nformat = 1\n", None),
        (b"format = 'text'\n", None),
        (b"pack:1 core:2 pu:1\n", "synthetic"),
        (b'{\n   "lscpu": [\n', "lscpu"),
        (b'{"cpus": [{"cpu":0}]}', "lscpu"),
        (b'{"name": "cpus"}', None),
        (b"# The following is the parsable format, which can be fed to other\n# programs.\n", "lscpu"),
        (b"# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n0,0,0,0,,0,0,0,0\n", "lscpu"),
        (b"CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE\n", "lscpu"),
        (b"  CPU NODE\n    0    0\n", "lscpu"),
        (b"BOGOMIPS CPU CORE\n", "lscpu"),
        (b"Architecture:        x86_64\nCPU(s):              16\n", "lscpu"),
        (b"available: 2 nodes (0-1)\nnode 0 cpus: 0 1\n", "numactl"),
        (b"libnuma: Warning: x\navailable: 1 nodes (0)\n", "numactl"),
        (b"\nPer-node system memory usage (in MBs):\n", "numastat"),
        (archive("w:gz"), "sysfs"),
        (archive("w:bz2"), "sysfs"),
        (archive("w:xz"), "sysfs"),
        (archive("w"), "sysfs"),
        (b"", None),
        (b"\xff\xfe\x00", None),
        (b"hello", None),
    ],
)
def test_recognised(data: bytes, name: str | None) -> None:
    found = recognise(read_head(data), FORMATS)
    assert (found and found.name) == name


def test_what_looks_like_a_synthetic_string() -> None:
    assert looks_synthetic("pack:2 numa:1 core:4 pu:1")
    assert looks_synthetic("[numa] core:4 pu:1")
    assert not looks_synthetic("hosts/kvm01.xml")
    assert not looks_synthetic("[topology]\nsockets = 2")
