"""Hosts without what a declaration does not state: where it is written, and remarks on the inputs."""

from __future__ import annotations

from msgspec.structs import replace

from numalint.model.host import Host


def stripped(host: Host) -> Host:
    """The host without its sources, places and notes, for comparison."""
    nodes = host.nodes and tuple(replace(node, place=None) for node in host.nodes)
    pci = host.pci and {address: replace(device, place=None) for address, device in host.pci.items()}
    return replace(host, sources=(), place=None, notes=(), nodes=nodes, pci=pci)
