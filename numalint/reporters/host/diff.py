"""What changed from one description of a host to another: each change as a sentence and as plain values."""

from __future__ import annotations

from numalint.model.host import Host
from numalint.reporters.host.cpu_diff import cpu_changes
from numalint.reporters.host.device_diff import device_changes
from numalint.reporters.host.difference import Difference, of_host, turned
from numalint.reporters.host.node_diff import node_changes


def differences(old: Host, new: Host) -> list[Difference]:
    """All that changed: the CPUs and what they make up, the nodes with their memory and distances, the devices.

    Names, sources and notes of the two are not compared: one host may be described in two files.
    """
    return [*_arch(old, new), *cpu_changes(old, new), *node_changes(old, new), *device_changes(old, new)]


def _arch(old: Host, new: Host) -> list[Difference]:
    if old.arch == new.arch:
        return []
    return [of_host("arch", (old.arch, new.arch), "the architecture", turned(old.arch, new.arch, "is"))]
