"""Guest cells cut a socket or a die of the guest in two.

`<topology>` tells the guest which vCPUs are one socket, and `<cell cpus>` which of them have the same memory beside them. QEMU
counts vCPUs through: with two sockets of four, vCPUs 0-3 are the first and 4-7 the second. In hardware the vCPUs of a socket,
or of a die where there are dies, share an L3 cache, and are on one node. Where cells say otherwise Linux finds "llc-sibling
cpus ... not on the same node", ignores the shared cache, and schedules as if there were none; hwloc reports an invalid
topology, and at least one scheduler crashed. Red Hat warns that such a guest may fail to boot. libvirt takes it without a word;
QEMU from 8.1 on warns, on ARM and RISC-V alone.

Dies that are each in one cell are left alone: so do SNC and NPS cut a socket.

Bad:

    <domain>
      <name>db7</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='1' cores='8' threads='1'/>
         -------- one socket of 8 vCPUs
        <numa>
          <cell id='0' cpus='0-3' memory='4' unit='GiB'/>
                             --- vCPUs 0-3 of the socket
          <cell id='1' cpus='4-7' memory='4' unit='GiB'/>
                             ^^^ vCPUs 4-7 of the same socket
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>hpc7</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='2' cores='2' threads='2'/>
         -------- 2 sockets of 4 vCPUs
        <numa>
          <cell id='0' cpus='0-1,4-5' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3,6-7' memory='4' unit='GiB'/>
                             ^^^^^^^ vCPUs 2-3 of the same socket
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db7</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='2' cores='4' threads='1'/>
        <numa>
          <cell id='0' cpus='0-3' memory='4' unit='GiB'/>
          <cell id='1' cpus='4-7' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>snc1</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='1' dies='2' cores='4' threads='1'/>
        <numa>
          <cell id='0' cpus='0-3' memory='4' unit='GiB'/>
          <cell id='1' cpus='4-7' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: As many sockets as cells, or a multiple of them, and whole sockets in each cell. The guest sees the change, at its next
start.

When to ignore it: The guest's system counts sockets for its licence and is known to bear the cut.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.10: one socket in one cell, or the guest may fail to boot
- measured with libvirt 9.0.0 and 11.3.0: both accept it
- QEMU, commit a494fdb715: numa, validate cluster and NUMA node boundary if required
- open-mpi/hwloc, issue 712: a guest whose cells cut its sockets
- sched-ext/scx, issue 981: a scheduler that stopped at it
- cloud-hypervisor, issue 5742: what Linux says of it
"""

from collections.abc import Iterator
from math import gcd

from numalint import (
    MOST_RELATED,
    Category,
    Cell,
    Domain,
    Finding,
    GuestCells,
    IdSet,
    Related,
    Severity,
    Topology,
    Trait,
    Vcpus,
    count_text,
    domain_rule,
    ids_text,
    union,
)


@domain_rule(
    "guest-cell-splits-socket",
    Severity.WARNING,
    Category.GUEST_TOPOLOGY,
    when=Trait.TOPOLOGY | Trait.SEVERAL_CELLS,
)
def check(domain: Domain) -> Iterator[Finding]:
    topology = domain.topology
    if topology is None or topology.vcpus != domain.maximum:  # topology-vcpu-mismatch
        return
    size = topology.vcpus_per_socket // topology.dies
    if size == 1 or _whole(domain.cells, size) or _contradictory(domain):
        return
    parts = domain.guest_dies if topology.dies > 1 else domain.guest_sockets
    torn = [part for part in parts if len(domain.cells_of(part)) > 1]
    if torn and not any(len(domain.cells_of(core)) > 1 for core in domain.guest_cores):  # guest-cell-splits-core
        yield _finding(domain, torn, len(parts))


def _whole(cells: tuple[Cell, ...], size: int) -> bool:
    """Whether every run of vCPUs in a cell begins and ends where a part of ``size`` does."""
    return all(first % size == 0 and (last + 1) % size == 0 for cell in cells for first, last in cell.stated.runs())


def _contradictory(domain: Domain) -> bool:
    """Whether a vCPU is in two cells: numa-cell-invalid."""
    return sum(len(cell.stated) for cell in domain.cells) > len(union(cell.stated for cell in domain.cells))


def _finding(domain: Domain, torn: list[Vcpus], count: int) -> Finding:
    topology, part = domain.topology, torn[0]
    assert topology is not None, "without a topology the guest has no sockets"
    noun = "die" if topology.dies > 1 else "socket"
    first, second, *others = domain.cells_of(part)
    cells: GuestCells = IdSet.of(cell.id for cell in (first, second, *others))
    so = f" ({len(torn)} of {count} {noun}s are so)" if count > 1 else ""
    parts = f"one {noun}" if count == 1 else count_text(count, noun)
    return Finding(
        place=second.place.at("cpus"),
        message=f"{ids_text('vCPU', part)} are one {noun} in the guest, but in guest {ids_text('cell', cells)}{so}",
        label=f"{ids_text('vCPU', second.stated & part)} of the same {noun}",
        related=(
            Related(topology.place, f"{parts} of {len(part)} vCPUs"),
            Related(first.place.at("cpus"), f"{ids_text('vCPU', first.stated & part)} of the {noun}"),
            *(
                Related(cell.place.at("cpus"), f"{ids_text('vCPU', cell.stated & part)} of the same {noun}")
                for cell in others[: MOST_RELATED - 2]
            ),
        ),
        why=f"in hardware a {noun} shares an L3 cache and is on one node: Linux ignores the cache, or does not boot",
        help=_help(domain),
        data={"vcpus": str(part), f"{noun}s": len(torn), "cells": str(cells)},
    )


def _help(domain: Domain) -> str:
    """Where each cell has vCPUs in a row, the fewest sockets or dies of which none has a part; else other cells."""
    topology, cells = domain.topology, domain.cells
    assert topology is not None, "without a topology the guest has no sockets"
    edges = [edge for cell in cells for first, last in cell.stated.runs() for edge in (first, last + 1)]
    size = gcd(domain.maximum, *edges) if topology.dies == 1 else gcd(topology.vcpus_per_socket, *edges)
    if len(edges) <= 2 * len(cells) and size % topology.threads == 0 and topology.clusters == 1:
        return f"write {_topology(topology, domain.maximum, size)}"
    each, rest = divmod(domain.maximum, len(cells))
    if rest or each % topology.threads or any(not cell.stated for cell in cells):
        return "give the guest a socket or a die for each cell, and each cell the vCPUs of whole ones"
    runs = [f"cpus='{first}-{first + each - 1}'" for first in range(0, domain.maximum, each)]
    shown = ", ".join(runs[:4]) + (" and so on" if len(runs) > 4 else "")
    whole = each % (topology.vcpus_per_socket // topology.dies) == 0
    also = "" if whole else f", write {_topology(topology, domain.maximum, gcd(each, topology.vcpus_per_socket))}"
    return f"give the cells vCPUs in a row ({shown}){also}, and move the pins with them"


def _topology(topology: Topology, vcpus: int, size: int) -> str:
    """With sockets, or as many dies a socket as before or more, of ``size`` vCPUs."""
    dies = f" dies='{topology.vcpus_per_socket // size}'" if topology.dies > 1 else ""
    sockets = topology.sockets if topology.dies > 1 else vcpus // size
    return f"<topology sockets='{sockets}'{dies} cores='{size // topology.threads}' threads='{topology.threads}'/>"
