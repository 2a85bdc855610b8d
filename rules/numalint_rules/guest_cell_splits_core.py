"""Guest cells tear the threads of one guest core apart.

With `<topology threads='2'>` vCPUs 0 and 1 are the two threads of one core to the guest, 2 and 3 those of the next: QEMU counts
threads first. Here `<cell cpus>` puts them on different NUMA nodes. No hardware has such a core. The guest's kernel takes the
two for one place and for two at once: it shares what a core shares between nodes, moves tasks for free over what it holds for
the longest way, and may fail to boot. It comes of cells that are written like a host whose siblings are n and n + half, where
QEMU numbers them next to each other. libvirt takes it without a word; QEMU from 8.1 on warns, on ARM and RISC-V alone.

Bad:

    <domain>
      <name>db8</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='2' cores='2' threads='2'/>
         -------- 2 threads a core
        <numa>
          <cell id='0' cpus='0,2,4,6' memory='4' unit='GiB'/>
                             ------- vCPU 0 is the same core
          <cell id='1' cpus='1,3,5,7' memory='4' unit='GiB'/>
                             ^^^^^^^ vCPU 1 is a thread of the core of vCPU 0
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db8</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='2' cores='2' threads='2'/>
        <numa>
          <cell id='0' cpus='0-3' memory='4' unit='GiB'/>
          <cell id='1' cpus='4-7' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Give each cell whole cores, best whole sockets: vCPUs in a row. Their pins move with them. The guest sees the change, at
its next start.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0: a core and a socket whose threads are in two cells are accepted
- QEMU, hw/core/machine: thread first, then core, cluster, die, socket
- QEMU, commit a494fdb715: numa, validate cluster and NUMA node boundary if required
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.10: cores and threads of one socket in one cell
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    GuestCells,
    IdSet,
    Related,
    Severity,
    Trait,
    Vcpus,
    count_text,
    domain_rule,
    ids_text,
    union,
)

WARNED = ("aarch64", "arm", "riscv")
"""The architectures on which QEMU itself warns of it."""


@domain_rule(
    "guest-cell-splits-core",
    Severity.WARNING,
    Category.GUEST_TOPOLOGY,
    when=Trait.TOPOLOGY | Trait.SEVERAL_CELLS,
)
def check(domain: Domain) -> Iterator[Finding]:
    topology = domain.topology
    if topology is None or topology.threads == 1 or topology.vcpus != domain.maximum:  # topology-vcpu-mismatch
        return
    runs = (run for cell in domain.cells for run in cell.stated.runs())
    if all(first % topology.threads == 0 and (last + 1) % topology.threads == 0 for first, last in runs):
        return
    torn = [core for core in domain.guest_cores if len(domain.cells_of(core)) > 1]
    listed = union(cell.stated for cell in domain.cells)
    if torn and sum(len(cell.stated) for cell in domain.cells) == len(listed):  # else numa-cell-invalid
        yield _finding(domain, torn)


def _finding(domain: Domain, torn: list[Vcpus]) -> Finding:
    topology, core = domain.topology, torn[0]
    assert topology is not None, "without a topology the guest has no cores"
    first, second, *others = domain.cells_of(core)
    cells: GuestCells = IdSet.of(cell.id for cell in (first, second, *others))
    own = ids_text("vCPU", first.stated & core)
    strays = second.stated & core
    so = f" ({len(torn)} of {len(domain.guest_cores)} cores are so)" if len(domain.guest_cores) > 1 else ""
    return Finding(
        place=second.place.at("cpus"),
        message=f"{ids_text('vCPU', core)} are threads of one core in the guest, but in guest {ids_text('cell', cells)}{so}",
        label=f"{ids_text('vCPU', strays)} {'is a thread' if len(strays) == 1 else 'are threads'} of the core of {own}",
        related=(
            Related(topology.place, f"{count_text(topology.threads, 'thread')} a core"),
            Related(first.place.at("cpus"), f"{own} {'is' if len(first.stated & core) == 1 else 'are'} the same core"),
            *(
                Related(cell.place.at("cpus"), f"{ids_text('vCPU', cell.stated & core)} too")
                for cell in others[: MOST_RELATED - 2]
            ),
        ),
        why="no hardware has a core on two nodes: the guest's kernel takes its threads for one place and for two"
        + (", and QEMU warns that it may misbehave" if (domain.arch or "").startswith(WARNED) else ""),
        help=_help(domain, topology.threads),
        data={"vcpus": str(union(torn)), "cores": len(torn), "cells": str(cells), "threads": topology.threads},
    )


def _help(domain: Domain, threads: int) -> str:
    """As many vCPUs in a row for each cell, where these can be whole cores."""
    each, rest = divmod(domain.maximum, len(domain.cells))
    if rest or each % threads or any(not cell.stated for cell in domain.cells):
        return f"give each cell whole cores: {threads} vCPUs in a row, the first a multiple of {threads}"
    runs = [f"cpus='{first}-{first + each - 1}'" for first in range(0, domain.maximum, each)]
    shown = ", ".join(runs[:4]) + (" and so on" if len(runs) > 4 else "")
    return f"give the cells vCPUs in a row ({shown}), and move the pins with them"
