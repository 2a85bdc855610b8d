"""What numalint understood of an input: ``numalint show``, as JSON or for people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, BinaryIO

from msgspec.structs import replace

from numalint.engine.discover import STDIN
from numalint.engine.world import Sniffer
from numalint.loaders.document import HEAD_BYTES, Document, HostFormat, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.host.inputs import LARGEST_INPUT, load_host, load_inputs, read_document
from numalint.loaders.xml import locate
from numalint.model.domain import Domain
from numalint.model.elements import Cell, Topology
from numalint.model.host import Host, Node
from numalint.model.idset import IdSet
from numalint.model.placement import UNKNOWN_HOST, Placement
from numalint.model.resolved import Affinity
from numalint.reporters.domain_text import domain_lines
from numalint.reporters.drawing import Surface
from numalint.reporters.host.picture import draw_host
from numalint.reporters.json_text import json_text


def understood(
    files: Sequence[str], hosts: Sequence[str], formats: tuple[HostFormat, ...], stdin: BinaryIO
) -> list[Placement | Host]:
    """The domains and hosts in ``files``; domains on the host that ``hosts`` are inputs of, or that host alone.

    Raises LoadError for an input that cannot be read, or that is neither.
    """
    host = _host(hosts, formats) if hosts else None
    found: list[Placement | Host] = [] if files or host is None else [host]
    sniffer = Sniffer(formats)
    for path in files:
        document = _document(path, stdin)
        if sniffer.kind_of(document.data[:HEAD_BYTES]).domain:
            found.extend(Placement(_sound(domain, document), host or UNKNOWN_HOST) for domain in load_domains(document))
        elif path == STDIN:
            found.append(load_host(document, formats, _no_other))
        else:
            found.append(_host([path], formats))
    return found


def _document(path: str, stdin: BinaryIO) -> Document:
    """What is at a path or, of the path -, on standard input; a folder has no bytes of its own."""
    if path != STDIN:
        return Document(path, b"") if os.path.isdir(path) else read_document(path)
    data = stdin.read(LARGEST_INPUT + 1)
    if len(data) > LARGEST_INPUT:
        raise LoadError(f"it is larger than {LARGEST_INPUT >> 20} MiB, which no input is", STDIN)
    return Document(path, data)


def _no_other(path: str) -> Host:
    raise LoadError(f"{path}: standard input has no other files beside it", STDIN)


def _host(inputs: Sequence[str], formats: tuple[HostFormat, ...]) -> Host:
    """The host of some inputs; what they disagree on is among its notes."""
    host, notes = load_inputs(inputs, formats, None)
    return replace(host, notes=notes)


def _sound(domain: Domain, document: Document) -> Domain:
    """The domain, if libvirt would take every value of it."""
    if domain.faults:
        fault = domain.faults[0]
        span = locate(document, [fault.place])[fault.place][0]
        raise LoadError(fault.message, domain.document, span.line, span.column)
    return domain


def show_json(subjects: list[Placement | Host]) -> str:
    """One array, an object a document. Sets are in canonical form, unknown is null, sizes are bytes."""
    objects = [host_object(each) if isinstance(each, Host) else domain_object(each) for each in subjects]
    return json_text(objects)


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


def show_text(subjects: list[Placement | Host], surface: Surface | None = None, unfold: bool = False) -> str:
    """The same for people: a domain with each affinity and its origin, a host as a drawing; a blank line between two."""
    surface = surface or Surface()
    pages = [
        draw_host(each, surface, unfold) if isinstance(each, Host) else domain_lines(each, surface, unfold)
        for each in subjects
    ]
    return "\n".join("".join(f"{line}\n" for line in page) for page in pages)
