"""The vCPUs are kept on a node, but the memory may come from any.

The kernel takes memory from the node of the thread that touches it first. For preallocated memory and huge pages that is the
emulator, not a vCPU; for the rest it is mostly vCPU 0 while the guest boots. What was allocated on the other node stays there.
Red Hat puts NUMA misses at 10 % and more, and says that pins and numatune belong together. A domain with neither, which would fit a
node, gets a note: the kernel may run it on one node and keep its memory on another.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db2</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
         ^^^^^^^ first of 2 pins, all on node 1
        <vcpupin vcpu='1' cpuset='6'/>
      </cputune>
    </domain>

Bad:

    <domain>
      <name>db2</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='4-7'>2</vcpu>
                    ^^^ all 2 vCPUs, on node 1
    </domain>

Bad (note):

    <domain>
      <name>web2</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
            ^ 2 vCPUs without pins
    </domain>

Good:

    <domain>
      <name>db2</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
        <vcpupin vcpu='1' cpuset='6'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Fix: `<numatune><memory mode='strict' nodeset='...'/></numatune>` with the node of the pins; with several guest cells a `<memnode>`
for each.

When to ignore it: The host is overcommitted on purpose and its guests are meant to float. Then the note says nothing new.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: the figure, and pins with numatune
- measured with libvirt 9.0.0 and 11.3.0: preallocated memory lands where the emulator runs
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: pins alone, or topology alone, lost 17 % and more
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Origin,
    Place,
    Placement,
    Severity,
    binding_text,
    count_text,
    ids_text,
    node_places,
    placement_rule,
    size_text,
)


@placement_rule(
    "numatune-missing",
    Severity.WARNING,
    Category.MEMORY,
    needs=Fact.NODES,
    uses=(Fact.MEMORY, Fact.ISOLATED, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    # memory that the emulator touches first, away from the vCPUs: prealloc-without-numatune
    if placement.host.one_node or not placement.unbound or placement.touched_elsewhere:
        return
    if placement.confined:
        nodes = placement.host.nodes_of(placement.pinned_cpus) if placement.pinned_vcpus else placement.vcpu_nodes
        if nodes:  # else cpu-nonexistent has it
            yield _memory_left_free(placement)
    elif len(placement.domain.cells) > 1:
        return  # vnuma-without-binding
    elif placement.inherited.pin is not None and not placement.unconfined:
        return  # cpuset-spans-nodes
    elif placement.inherited.origin is not Origin.PLACEMENT_AUTO and placement.fitting_nodes:
        yield _placed_nowhere(placement)


def _memory_left_free(placement: Placement) -> Finding:
    name = placement.host.name
    vcpus = IdSet.of(placement.pinned) or placement.domain.online
    cpus = placement.cpus_of(vcpus)
    nodes: HostNodes = placement.host.nodes_of(cpus if cpus is not None else IdSet())
    where, held = ids_text("node", nodes), count_text(len(vcpus), "vCPU")
    verb = "is" if len(vcpus) == 1 else "are"
    return Finding(
        place=_pin_place(placement),
        message=f"{held} {verb} pinned to {where} of {name}, but {_memory(placement)} may come from any node",
        label=_pin_label(placement, where),
        related=node_places(placement.host, nodes),
        why="with memory on the other node every access crosses the interconnect (10 % and more)",
        help=binding_text(placement, nodes),
        data={"vcpus": str(vcpus), "nodes": str(nodes), "memory_bytes": placement.domain.memory_bytes or 0},
    )


def _memory(placement: Placement) -> str:
    size = placement.domain.memory_bytes
    return "its memory" if size is None else f"its {size_text(size)} of memory"


def _pin_place(placement: Placement) -> Place:
    if placement.pinned:
        return placement.domain.vcpupins[next(iter(placement.pinned))].place
    assert placement.domain.cpuset is not None, "without pins it is <vcpu cpuset> that confines"
    return placement.domain.cpuset.place.at("cpuset")


def _pin_label(placement: Placement, where: str) -> str:
    pins = len(placement.pinned)
    if not pins:
        return f"all {count_text(len(placement.domain.online), 'vCPU')}, on {where}"
    return f"the only pin, on {where}" if pins == 1 else f"first of {pins} pins, all on {where}"


def _placed_nowhere(placement: Placement) -> Finding:
    host, fitting = placement.host, placement.fitting_nodes
    vcpus = count_text(len(placement.domain.online), "vCPU")
    size = placement.domain.memory_bytes
    guest = vcpus if size is None else f"{vcpus} and {size_text(size)}"
    return Finding(
        place=placement.vcpus_place,
        message=f"its {guest} would fit one node of {host.name}, but nothing keeps them together",
        label=f"{vcpus} that may run on every node" if placement.pinned else f"{vcpus} without pins",
        severity=Severity.NOTE,
        related=node_places(host, fitting),
        why="the kernel may run it on one node and leave its memory on another",
        help=_one_of_them(placement),
        data={"vcpus": len(placement.domain.online), "fitting_nodes": str(fitting)},
    )


def _one_of_them(placement: Placement) -> str:
    """What keeps the guest on a node that holds it: one over which it can float, if there is any."""
    cpus, roomy = placement.host.balanced_cpus, placement.roomy_nodes
    node = next(iter(roomy or placement.fitting_nodes))
    memory = f"<memory mode='strict' nodeset='{node}'/> in <numatune>"
    if not roomy:
        return f"a <vcpupin> on node {node} for each vCPU, and {memory}"
    if placement.pinned:  # <vcpu cpuset> would not move them
        return f"pin all vCPUs to {cpus[node]}, and write {memory}"
    return f"<vcpu cpuset='{cpus[node]}'> and {memory}"
