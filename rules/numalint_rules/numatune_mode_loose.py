"""The vCPUs have a place of their own, but the mode of numatune lets the memory go elsewhere.

Of the modes only strict keeps memory on its nodes. `preferred` takes it from another node as soon as the node is full, and says
nothing; huge pages too: of 256 MiB preferred on node 0, measured, 64 MiB came from node 1. `interleave` deals pages out over all
its nodes in turn: measured, exact halves over two, so that half of the memory of a guest that is pinned to one of them is remote
for good. Over one node alone interleave is harmless, and no stricter than preferred. Red Hat recommends strict.

Interleaving over more nodes than the pins reach is a warning; over just the nodes of the pins it is a choice of bandwidth, and
says nothing. All else is a note: what spills depends on what else the host runs. Nodes near each other (distance 12 or less) make
a note, and so does an unknown distance.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db5</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  - vCPUs 0-1 are on node 1
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
                      ^^^^^^^^^^ the memory is interleaved over nodes 0-1
      </numatune>
    </domain>

Bad (note):

    <domain>
      <name>db5</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='preferred' nodeset='1'/>
                      ^^^^^^^^^ the memory is preferred on node 1
      </numatune>
    </domain>

Good:

    <domain>
      <name>db5</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Fix: `mode='strict'` with the nodes of the pins, after a look at whether they hold the memory.

When to ignore it: The guest shall rather start slow than not at all.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: preferred spills, interleave deals out exact halves, huge pages too
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, chapter 9: NUMA policies
- oVirt's default is interleave: VmNumaNode.DEFAULT_NUMA_TUNE
"""

from collections.abc import Iterator, Sequence

from numalint import (
    MOST_RELATED,
    Apart,
    Bound,
    Category,
    Fact,
    Finding,
    HostNodes,
    NotJudged,
    Placement,
    Related,
    Severity,
    Trait,
    apart,
    bound_text,
    count_text,
    ids_text,
    node_places,
    placement_rule,
    union,
)


@placement_rule(
    "numatune-mode-loose",
    Severity.WARNING,
    Category.MEMORY,
    needs=Fact.NODES,
    when=Trait.LOOSE_BINDING,
    uses=(Fact.CORES, Fact.SOCKETS, Fact.DISTANCES, Fact.MEMORY),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    loose = [bound for bound in placement.bound if bound.binding.mode in ("preferred", "interleave") and bound.vcpus]
    if not loose or placement.host.one_node:
        return
    wide = [found for bound in loose if (found := _dealt_out(placement, bound)) is not None]
    if wide:
        yield _too_wide(placement, wide)
        return
    # several nodes: a choice of bandwidth (interleave), numatune-cpu-mismatch or multi-cell-without-memnode (preferred)
    one = [bound for bound in loose if len(bound.nodes) == 1]
    if one and placement.intent is None:
        yield NotJudged(Fact.CORES, "whether the pins are whole cores")
    elif one and placement.dedicated and not any(apart(placement, bound) for bound in one):
        yield _spills(placement, one)


def _dealt_out(placement: Placement, bound: Bound) -> Apart | None:
    """A binding that is interleaved over nodes where none of its vCPUs runs; several cells have their own rule."""
    if bound.binding.mode != "interleave" or len(bound.nodes) < 2 or len(bound.cells) > 1:
        return None
    found = apart(placement, bound)
    return found if found is not None and not found.strays else None


def _too_wide(placement: Placement, wide: Sequence[Apart]) -> Finding:
    first, name = wide[0], placement.host.name
    vcpus: HostNodes = union(found.nodes for found in wide)
    cells = [cell for found in wide for cell in found.bound.cells]
    whose = f" of guest cell {cells[0].id}" if cells and len(placement.domain.cells) > 1 else ""
    memory = f"the memory{whose} is {bound_text(first.bound.binding)} of {name}"
    others = tuple(Related(found.binding_place, found.binding_label) for found in wide[1:MOST_RELATED])
    return Finding(
        place=first.bound.binding.place.at("mode"),
        message=f"{memory}, but its {count_text(len(first.held), 'vCPU')} {'is' if len(first.held) == 1 else 'are'}"
        f" on {ids_text('node', first.nodes)}",
        label=first.binding_label,
        severity=first.severity,
        related=(Related(first.pin_place, first.pin_label), *others, *node_places(placement.host, vcpus | first.idle)),
        why=first.why,
        help=f"write mode='strict' nodeset='{first.nodes}'",
        data={"mode": "interleave", "nodes": str(first.nodes), "memory_nodes": str(first.bound.nodes)},
    )


def _spills(placement: Placement, loose: Sequence[Bound]) -> Finding:
    first, vcpus = loose[0], len(placement.pinned)
    own = "1 vCPU has a CPU of its own" if vcpus == 1 else f"{vcpus} vCPUs have CPUs of their own"
    nodes = union(bound.nodes for bound in loose)
    on = {"preferred": "only preferred on", "interleave": "interleaved over"}[first.binding.mode]
    others = tuple(
        Related(bound.binding.place.at("mode"), f"the memory is {bound_text(bound.binding)}") for bound in loose[1:]
    )
    return Finding(
        place=first.binding.place.at("mode"),
        message=f"{own}, but the memory is {on} {ids_text('node', nodes)} of {placement.host.name}: it may spill to others",
        label=f"the memory is {bound_text(first.binding)}",
        severity=Severity.NOTE,
        related=(*others[:MOST_RELATED], *node_places(placement.host, nodes)),
        why=f"where {ids_text('node', nodes)} {'is' if len(nodes) == 1 else 'are'} full, memory comes from another without a word",
        help="write mode='strict', if the memory is there for it at every start",
        data={"mode": first.binding.mode, "memory_nodes": str(nodes)},
    )
