"""What numalint understood of an input: ``numalint show``, as JSON or for people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from numalint.engine.discover import STDIN
from numalint.engine.world import Sniffer
from numalint.loaders.document import HEAD_BYTES, Document, HostFormat, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.hosts import load_inputs
from numalint.loaders.xml import locate
from numalint.model.domain import Cell, Domain, Topology
from numalint.model.host import Host, Node
from numalint.model.idset import IdSet
from numalint.model.placement import UNKNOWN_HOST, Affinity, Placement
from numalint.model.wording import size_text


def understood(
    files: Sequence[str], hosts: Sequence[str], formats: tuple[HostFormat, ...], stdin: BinaryIO
) -> list[Placement | Host]:
    """The domains and hosts in ``files``; domains on the host that ``hosts`` are inputs of, or that host alone.

    Raises LoadError for an input that cannot be read, or that is neither.
    """
    host = load_inputs(hosts, formats, None)[0] if hosts else None
    found: list[Placement | Host] = [] if files or host is None else [host]
    sniffer = Sniffer(formats)
    for path in files:
        try:
            data = stdin.read() if path == STDIN else b"" if os.path.isdir(path) else Path(path).read_bytes()
        except OSError as error:
            raise LoadError(f"it cannot be read: {error.strerror}", path) from None
        if sniffer.kind_of(data[:HEAD_BYTES]).domain:
            found.extend(
                Placement(_sound(domain), host or UNKNOWN_HOST) for domain in load_domains(Document(path, data))
            )
        else:
            found.append(load_inputs([path], formats, None)[0])
    return found


def _sound(domain: Domain) -> Domain:
    """The domain, if libvirt would take every value of it."""
    if domain.faults:
        fault = domain.faults[0]
        span = locate(Document(domain.document, Path(domain.document).read_bytes()), [fault.place])[fault.place][0]
        raise LoadError(fault.message, domain.document, span.line, span.column)
    return domain


def show_json(subjects: list[Placement | Host]) -> str:
    """One array, an object a document. Sets are in canonical form, unknown is null, sizes are bytes."""
    objects = [host_object(each) if isinstance(each, Host) else domain_object(each) for each in subjects]
    return msgspec.json.format(msgspec.json.encode(objects), indent=2).decode() + "\n"


def domain_object(placement: Placement) -> dict[str, Any]:
    """A domain, resolved on its host or on none, as plain values."""
    domain = placement.domain
    intent = placement.intent
    return {
        "kind": "domain",
        "name": domain.name,
        "vcpus": domain.maximum,
        "online_vcpus": str(domain.online),
        "affinities": {
            "vcpus": {str(vcpu): _affinity(each) for vcpu, each in placement.vcpus.items()},
            "emulator": _affinity(placement.emulator),
            "iothreads": {str(thread): _affinity(each) for thread, each in placement.iothreads.items()},
        },
        "memory_bytes": domain.memory_bytes,
        "cells": [_cell(placement, cell) for cell in domain.cells],
        "memory": {
            "mode": placement.memory.mode,
            "nodes": _text(placement.memory.nodes),
            "origin": placement.memory.origin.value,
        },
        "topology": None if domain.topology is None else _topology(domain.topology),
        "pci_devices": [str(address) for address in domain.pci_devices],
        "intent": None if intent is None else intent.value,
    }


def _affinity(affinity: Affinity) -> dict[str, str | None]:
    return {"cpus": _text(affinity.cpus), "origin": affinity.origin.value}


def _text(ids: IdSet[Any] | None) -> str | None:
    return None if ids is None else str(ids)


def _cell(placement: Placement, cell: Cell) -> dict[str, Any]:
    policy = placement.memory_of(cell)
    return {
        "id": cell.id,
        "cpus": str(cell.cpus),
        "memory_bytes": cell.memory_bytes,
        "mode": policy.mode,
        "nodes": _text(policy.nodes),
        "origin": policy.origin.value,
        "page_bytes": placement.page_bytes_of(cell),
    }


def _topology(topology: Topology) -> dict[str, int]:
    return {name: getattr(topology, name) for name in ("sockets", "dies", "clusters", "cores", "threads")}


def host_object(host: Host) -> dict[str, Any]:
    """A host as plain values, with the facts that are unknown named."""
    return {
        "kind": "host",
        "name": host.name,
        "sources": list(host.sources),
        "sockets": None if host.sockets is None else len(host.sockets),
        "cpus": _text(host.cpus),
        "offline_cpus": _text(host.offline),
        "isolated_cpus": _text(host.isolated),
        "housekeeping_cpus": _text(host.housekeeping),
        "nodes": None if host.nodes is None else [_node(node) for node in host.nodes],
        "cores": None if host.cores is None else [str(core) for core in host.cores],
        "l3": None if host.l3 is None else [{"cpus": str(l3.cpus), "size_bytes": l3.size_bytes} for l3 in host.l3],
        "pci": None
        if host.pci is None
        else [
            {"address": str(address), "node": host.node_of_pci(address), "names": list(device.names)}
            for address, device in sorted(host.pci.items())
        ],
        "unknown": sorted(host.unknown),
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "cpus": _text(node.cpus),
        "memory_bytes": node.memory_bytes,
        "distances": {str(other): value for other, value in node.distances.items()},
        "hugepages": {
            str(size): {"total": pool.total, "free": pool.free} for size, pool in sorted((node.hugepages or {}).items())
        },
    }


def show_text(subjects: list[Placement | Host]) -> str:
    """The same for people: a domain with each affinity and its origin, a host with its nodes."""
    pages = [_host_lines(each) if isinstance(each, Host) else _domain_lines(each) for each in subjects]
    return "\n\n".join("\n".join(lines) for lines in pages) + "\n"


def _domain_lines(placement: Placement) -> list[str]:
    domain, host = placement.domain, placement.host
    on = f" on host {host.name}" if host.nodes else ""
    lines = [f"domain {domain.name}{on} ({domain.document})"]
    online = "" if len(domain.online) == domain.maximum else f", online {domain.online}"
    lines.append(f"  vCPUs      {domain.maximum}{online}")
    for vcpus, affinity in _alike(placement.vcpus):
        lines.append(f"    {vcpus:<8} {_where(affinity)}")
    lines.append(f"  emulator   {_where(placement.emulator)}")
    for threads, affinity in _alike(placement.iothreads):
        lines.append(f"  IOThread {threads:<2}{_where(affinity)}")
    lines.append(f"  memory     {_memory(domain.memory_bytes)}, {_policy_text(placement)}")
    for cell in domain.cells:
        policy = placement.memory_of(cell)
        page = placement.page_bytes_of(cell)
        where = f"{policy.mode} on nodes {policy.nodes}" if policy.nodes else "from any node"
        pages = f", pages of {size_text(page)}" if page else ""
        lines.append(
            f"    cell {cell.id:<3} vCPUs {cell.cpus}, {size_text(cell.memory_bytes)}, {where} ({policy.origin}){pages}"
        )
    if domain.topology is not None:
        parts = _topology(domain.topology)
        lines.append("  topology   " + ", ".join(f"{count} {name}" for name, count in parts.items()))
    for address in domain.pci_devices:
        node = host.node_of_pci(address)
        lines.append(f"  PCI        {address}" + (f" on node {node}" if node is not None else ""))
    lines.append(f"  intent     {placement.intent or 'unknown without a host'}")
    return lines


def _alike(affinities: dict[Any, Affinity]) -> list[tuple[str, Affinity]]:
    """Threads that run alike, together, by their first."""
    groups: dict[Affinity, list[int]] = {}
    for thread, affinity in affinities.items():
        groups.setdefault(Affinity(affinity.cpus, affinity.origin), []).append(thread)
    return [(str(IdSet.of(threads)), affinity) for affinity, threads in groups.items()]


def _where(affinity: Affinity) -> str:
    cpus = "unknown CPUs" if affinity.cpus is None else f"CPUs {affinity.cpus}"
    return f"{cpus} ({affinity.origin})"


def _policy_text(placement: Placement) -> str:
    policy = placement.memory
    where = "from any node" if policy.nodes is None else f"{policy.mode} on nodes {policy.nodes}"
    return f"{where} ({policy.origin})"


def _host_lines(host: Host) -> list[str]:
    lines = [f"host {host.name} ({', '.join(host.sources)})"]
    sockets = "unknown" if host.sockets is None else len(host.sockets)
    cores = "unknown" if host.cores is None else len(host.cores)
    lines.append(f"  sockets {sockets}, cores {cores}, CPUs {'unknown' if host.cpus is None else host.cpus}")
    for name, cpus in (("offline", host.offline), ("isolated", host.isolated), ("housekeeping", host.housekeeping)):
        if cpus:
            lines.append(f"  {name:<12} CPUs {cpus}")
    for node in host.nodes or ():
        has = "CPUs unknown" if node.cpus is None else f"CPUs {node.cpus}" if node.cpus else "no CPUs"
        distances = " ".join(f"{other}:{value}" for other, value in node.distances.items())
        lines.append(f"  node {node.id:<4} {has}, {_memory(node.memory_bytes)}, distances {distances or 'unknown'}")
        for size, pool in sorted((node.hugepages or {}).items()):
            free = "" if pool.free is None else f", {pool.free} free"
            lines.append(f"            {pool.total} pages of {size_text(size)}{free}")
        for address, device in sorted((host.pci or {}).items()):
            if host.node_of_pci(address) == node.id:
                lines.append("            " + " ".join((f"PCI {address}", *device.names)))
    lost = [str(address) for address in sorted(host.pci or {}) if host.node_of_pci(address) is None]
    if lost:
        lines.append(f"  PCI, node unknown: {', '.join(lost)}")
    lines.append(f"  unknown: {', '.join(sorted(host.unknown)) or 'nothing'}")
    return lines


def _memory(size: int | None) -> str:
    return "memory unknown" if size is None else size_text(size)
