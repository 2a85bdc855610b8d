"""The formats of host topology that numalint reads itself, and how each is told from a file's first bytes.

The module that reads a format is imported when a file of that format is met. What wins where several inputs of one
host state a fact is the one of the higher rank.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module

from numalint.loaders.document import Document, Head, HostFormat, ReadInput
from numalint.model.host import Host

_LOOKS_LIKE = re.compile(
    r"\s*(?:\[numa\w*[(\]]|\[node[(\]]|[A-Za-z]\w*:[0-9])[\w\[\]():=,.*\s]*", re.ASCII | re.IGNORECASE
)
_TOML_KEY = re.compile(r"format\s*=\s*[0-9]")
_NODEDEV_ROOTS = ("device", "node", "devices", "nodedevs")
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_TAR_MAGIC = slice(257, 262)
_LSCPU = re.compile(
    r'\s*\{\s*"(?:lscpu|cpus)"|# The following is the parsable format|\s*#\s*CPU,|\s*(?:[A-Z]+ +)*CPU +[A-Z]'
)
_LSCPU_PLAIN = re.compile(r"(?m)^CPU\(s\): +[0-9]")
_NUMACTL = re.compile(r"(?m)^available: [0-9]+ nodes? \(|^No NUMA available on this system")
_NUMASTAT = re.compile(r"Per-node (?:system|process) memory usage \(in MBs\)")


def looks_synthetic(text: str) -> bool:
    """Whether a text that is no path is meant as a synthetic string: ``TYPE:N`` first, and no slash in it."""
    return _LOOKS_LIKE.fullmatch(text) is not None


def _is_synthetic(head: Head) -> bool:
    return head.element is None and "pu:" in head.text.lower() and looks_synthetic(head.text)


def _is_toml(head: Head) -> bool:
    """A TOML file with the key ``format`` before its first table."""
    if head.element is not None:
        return False
    top = re.split(r"(?m)^\s*\[", head.text, maxsplit=1)[0]
    return any(_TOML_KEY.match(line.strip()) for line in top.splitlines())


def _is_capabilities(head: Head) -> bool:
    return head.element == "capabilities" and not head.namespace


def _is_hwloc(head: Head) -> bool:
    return head.element == "topology" and not head.namespace and '"Machine"' in head.text.replace("'", '"')


def _is_nodedev(head: Head) -> bool:
    if head.namespace or head.element not in _NODEDEV_ROOTS:
        return False
    return "<device>" in head.text and "<capability" in head.text


def _is_archive(head: Head) -> bool:
    return head.data.startswith(_COMPRESSED) or head.data[_TAR_MAGIC] == b"ustar"


def _is_lscpu(head: Head) -> bool:
    return _LSCPU.match(head.text) is not None or _LSCPU_PLAIN.search(head.text) is not None


def _is_numactl(head: Head) -> bool:
    return _NUMACTL.search(head.text) is not None


def _is_numastat(head: Head) -> bool:
    return _NUMASTAT.search(head.text) is not None


def _lazily(module: str) -> Callable[[Document, ReadInput], Host]:
    def load(document: Document, read_input: ReadInput) -> Host:
        host: Host = import_module(f"numalint.loaders.host.{module}").load(document, read_input)
        return host

    return load


NODEDEV = HostFormat("nodedev", 0, _is_nodedev, _lazily("nodedev"), partial=True)

FORMATS: tuple[HostFormat, ...] = (
    HostFormat("host.toml", 60, _is_toml, _lazily("toml")),
    HostFormat("synthetic", 55, _is_synthetic, _lazily("synthetic")),
    HostFormat("sysfs", 50, _is_archive, _lazily("sysfs")),
    HostFormat("capabilities", 40, _is_capabilities, _lazily("capabilities")),
    HostFormat("hwloc", 30, _is_hwloc, _lazily("hwloc")),
    HostFormat("numactl", 20, _is_numactl, _lazily("numactl")),
    HostFormat("lscpu", 10, _is_lscpu, _lazily("lscpu")),
    HostFormat("numastat", 5, _is_numastat, _lazily("numastat"), partial=True),
    NODEDEV,
)
"""The formats that numalint brings itself; those of plugins are asked first."""
