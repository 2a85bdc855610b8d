"""The pins of a domain lie on several sockets, though one would hold it.

A vCPU whose own set covers several sockets may be moved away from its memory and its caches at any moment. vCPUs that are each
on one socket, but not all on the same, reach half of the guest's memory over the interconnect. Red Hat puts NUMA misses at 10 %
and more; on two-socket EPYC, large guests without NUMA tuning lost 50 to 60 % in the STREAM benchmark. It was meant so
where the guest has NUMA cells or sockets of its own that follow the host's.

Host: pack:2 numa:1 core:4 pu:1

Bad:

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1,3-4'/>
                                    ^^^ vCPU 0 may run on sockets 0-1
        <vcpupin vcpu='1' cpuset='2'/>
      </cputune>
    </domain>

Bad:

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
                                  - vCPU 0 is on socket 0
        <vcpupin vcpu='1' cpuset='5'/>
                                  ^ vCPU 1 is on socket 1
      </cputune>
    </domain>

Good:

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>2</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='1' unit='GiB'/>
          <cell id='1' cpus='1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Pin all vCPUs to CPUs of one socket. A guest that needs several gets a NUMA cell for each, bound by `<memnode>`.

When to ignore it: The guest wants the memory bandwidth of several sockets and its software places its own threads. Memory that is
interleaved over just these nodes says so, and makes this a note.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3: avoid splitting resources across NUMA nodes
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: the STREAM figures
"""

from collections.abc import Iterator

from numalint import Category, Fact, Finding, Placement, Severity, Trait, placement_rule, socket_spread


@placement_rule(
    "vcpupin-spans-sockets",
    Severity.WARNING,
    Category.PINNING,
    needs=Fact.SOCKETS,
    when=Trait.PINS,
    uses=(Fact.NODES, Fact.MEMORY, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    spread = socket_spread(placement)
    if spread is None:
        return
    yield Finding(
        place=spread.place,
        message=spread.message,
        label=spread.label,
        severity=Severity.NOTE if spread.interleaved else None,
        related=spread.related,
        why="what is on the other socket is reached over the interconnect: 10 % and more, up to half the memory bandwidth",
        help=spread.help,
        data=spread.data,
    )
