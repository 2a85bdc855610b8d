"""What tells an element of a domain from its siblings, however its file is edited or libvirt writes it anew.

libvirt sorts pins and disks, adds controllers and drops comments, so that an index tells nothing. It tells elements of a kind
apart itself, by the vCPU of a pin or the target of a disk, and so the identity of an element is the path of such steps from
its domain: ``cputune/vcpupin:2``. Those that nothing tells apart are numbered.
"""

from __future__ import annotations

import functools
import itertools

from lxml import etree

from numalint.loaders.xml import Element
from numalint.model.idset import IdSet, NotationError

_PCI = ("domain", "bus", "slot", "function")
_TOLD_BY: dict[str, tuple[str, ...]] = {
    "vcpus/vcpu": ("@id",),
    "iothreadids/iothread": ("@id",),
    "cputune/vcpupin": ("@vcpu",),
    "cputune/iothreadpin": ("@iothread",),
    "cputune/vcpusched": ("@vcpus",),
    "cputune/iothreadsched": ("@iothreads",),
    "cputune/cachetune": ("@vcpus",),
    "cachetune/cache": ("@id", "@level", "@type"),
    "cachetune/monitor": ("@level", "@vcpus"),
    "cputune/memorytune": ("@vcpus",),
    "memorytune/node": ("@id",),
    "numatune/memnode": ("@cellid",),
    "hugepages/page": ("@nodeset",),
    "cpu/feature": ("@name",),
    "numa/cell": ("@id",),
    "distances/sibling": ("@id",),
    "caches/cache": ("@level",),
    "interconnects/latency": ("@initiator", "@target", "@cache", "@type"),
    "interconnects/bandwidth": ("@initiator", "@target", "@cache", "@type"),
    "devices/disk": ("target/@dev",),
    "devices/controller": ("@type", "@index"),
    "devices/interface": (*(f"source/address/@{part}" for part in _PCI), "mac[not(../source/address)]/@address"),
    "devices/hostdev": (
        *("source/adapter/@name", "source/vendor/@id", "source/product/@id"),
        *(f"source/address/@{part}" for part in (*_PCI, "uuid", "device", "target", "unit")),
    ),
    "devices/filesystem": ("target/@dir",),
    "devices/memory": ("@model", "target/node"),
    "devices/shmem": ("@name",),
    "iothreads/iothread": ("@id",),
    "iothread/queue": ("@id",),
}
"""By what libvirt tells the children of an element apart. It makes up the MAC of a NIC that has none, but not its device."""


@functools.cache
def _ways(name: str) -> tuple[etree.XPath, ...]:
    return tuple(etree.XPath(f"string({way})") for way in _TOLD_BY.get(name, ()))


def identity(element: Element) -> str:
    """The steps from the domain that an element is in to the element."""
    known = _known_steps(element.getroottree().getroot())
    path: list[str] = []
    here: Element | None = element
    while here is not None and here.tag != "domain":
        parent = here.getparent()
        if parent is not None and here not in known:
            known.update(_steps(parent, here.tag))
        path.append(known.get(here, here.tag))
        here = parent
    return "/".join(reversed(path))


@functools.lru_cache(maxsize=1)
def _known_steps(_top: Element) -> dict[Element, str]:
    """The steps that are known in one tree: the elements of a document are asked for one after the other."""
    return {}


def _steps(parent: Element, tag: str) -> dict[Element, str]:
    """The step to each child of a tag. Of those with the same the first has it, and the others the next number that is free."""
    told = {child: _told(child, f"{parent.tag}/{tag}") for child in parent.iterchildren(tag)}
    taken, found = set(told.values()), {}
    numbers = {step: itertools.count() for step in taken}
    for child, step in told.items():
        numbered = (f"{step}:{number}" if number else step for number in numbers[step])
        found[child] = next(each for each in numbered if each == step or each not in taken)
    return found


def _told(element: Element, name: str) -> str:
    """The tag and what tells it from others. Zeros at the end, which often are not written, are left out."""
    values = [_plain(str(way(element))) for way in _ways(name)]
    while values and values[-1] == "0":
        values.pop()
    return ":".join([element.tag, *values])


def _plain(text: str) -> str:
    """A value as libvirt writes it: a number in decimal, of a set the lowest, all else in small letters. Nothing is zero."""
    text = text.strip().lower() or "0"
    try:
        return str(int(text, 16) if text.startswith("0x") else min(IdSet.parse(text)))
    except (NotationError, ValueError):
        return text
