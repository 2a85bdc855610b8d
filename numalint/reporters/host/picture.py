"""A host drawn for the terminal: sockets, nodes, L3 caches, cores and devices, each where it is.

All numbers are the operating system's, as in ``lstopo``'s ``P#``, ``numactl -H`` and ``virsh capabilities``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from numalint.model.host import L3, Host
from numalint.model.idset import HostCpus, union
from numalint.model.wording import ids_text
from numalint.reporters.drawing import Branch, Surface, Word, cpus_word, stated, tree, unknown
from numalint.reporters.host.alike import (
    MOST_ALIKE,
    caches_alike,
    nodes_alike,
    nodes_of_sockets,
    runs_alike,
    shape,
    sockets_alike,
)
from numalint.reporters.host.devices import Devices
from numalint.reporters.host.distances import distance_lines
from numalint.reporters.host.facts import Cores, cache_text, memory_word, name_text, pages
from numalint.reporters.host.regions import Region, regions
from numalint.reporters.host.summary import header_lines, note_lines, unknown_lines
from numalint.reporters.terminal import BOLD


def draw_host(host: Host, surface: Surface, unfold: bool = False) -> Iterator[str]:
    """The lines of the picture. Unless ``unfold``, what is alike is drawn together and long lists are cut."""
    branches = _Parts(host, unfold).branches()
    sections = (
        header_lines(host, surface, unfold),
        (line for branch in branches for line in tree(branch, surface)),
        distance_lines(host, surface, unfold),
        unknown_lines(host, surface),
        note_lines(host, surface),
    )
    drawn = [found for found in map(list, sections) if found]
    for number, section in enumerate(drawn):
        yield from ["", *section] if number else section


class _Parts:
    """The parts of a host as branches of trees."""

    def __init__(self, host: Host, unfold: bool) -> None:
        self.host, self.unfold = host, unfold
        self.devices = Devices(host, unfold)
        self.cores = Cores(host, unfold)

    def branches(self) -> Iterator[Branch]:
        """The sockets or nodes with all inside them, then what is in none of them."""
        yield from self._inside(regions(self.host))
        nodes = self.host.nodes
        if nodes is not None and self.host.cpus is not None and all(node.cpus is not None for node in nodes):
            homeless = self.host.cpus - union(node.cpus for node in nodes if node.cpus is not None)
            if homeless:
                yield Branch([Word("on no node:"), cpus_word(homeless, self.unfold)])
        yield from self.devices.homeless()

    def _inside(self, region: Region) -> Iterator[Branch]:
        """Sockets and nodes, caches and cores, devices."""
        inner = region.inner if self.unfold else nodes_of_sockets(region.inner, self._shape)
        for run in runs_alike(inner, self._shape):
            if len(run) <= MOST_ALIKE or self.unfold:
                yield from (Branch(self._title(each), list(self._inside(each))) for each in run)
            elif run[0].node is not None:
                yield nodes_alike(run, list(self._shared(run[0])), self.cores)
            else:
                yield sockets_alike(run, list(self._shared(run[0])))
                if len(run[0].cores) > 1:  # else a socket's CPUs are its core's
                    yield from self._cores([core for each in run for core in each.cores])
        yield from self._caches_and_cores(region)
        if region.node is not None:
            yield from self.devices.of(region.node)

    def _shape(self, region: Region) -> object:
        return None if region.node is not None and region.node.id in self.devices else shape(region)

    def _title(self, region: Region) -> list[Word]:
        return [Word(f"{name_text(region)}:", BOLD), *stated(self._facts(region))]

    def _facts(self, region: Region) -> Iterator[Word]:
        node = region.node
        if region.cpus:
            yield cpus_word(region.cpus, self.unfold)
        elif node is not None:
            yield unknown("CPUs") if node.cpus is None else Word("no CPUs")
        if node is not None:
            yield memory_word(node)
            yield from pages(node)
            if not node.cpus and node.near:
                yield Word("near " + ids_text("node", node.near))
        yield from self._shared(region)

    def _shared(self, region: Region) -> Iterator[Word]:
        """The cache that all CPUs of a region share; that caches and cores are unknown."""
        if _one_cache(region):
            yield Word(cache_text(region.caches[0]))
        if region.cpus and not region.inner:
            if self.host.l3 is None:
                yield unknown("L3")
            if self.host.cores is None:
                yield unknown("cores")

    def _caches_and_cores(self, region: Region) -> Iterator[Branch]:
        caches = [] if _one_cache(region) else region.caches
        if len(caches) > MOST_ALIKE and not self.unfold:
            yield from caches_alike(caches, region.cores)
            if len(region.cores) > len(caches):  # else a cache's CPUs are its core's
                yield from self._cores(region.cores)
            return
        for cache in caches:
            yield self._cache(cache, [core for core in region.cores if core <= cache.cpus])
        yield from self._cores([core for core in region.cores if not any(core <= cache.cpus for cache in caches)])

    def _cache(self, cache: L3, cores: Sequence[HostCpus]) -> Branch:
        name, below = cache_text(cache), list(self._cores(cores))
        if len(below) == 1:
            return Branch([Word(f"{name},"), *below[0].title])
        return Branch([Word(f"{name}:"), cpus_word(cache.cpus, self.unfold)], below)

    def _cores(self, cores: Sequence[HostCpus]) -> Iterator[Branch]:
        return map(Branch, self.cores.lines(cores))


def _one_cache(region: Region) -> bool:
    return len(region.caches) == 1 and region.caches[0].cpus == region.cpus
