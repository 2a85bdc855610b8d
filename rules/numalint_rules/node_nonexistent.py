"""Memory is bound to a node that the host does not have.

libvirt takes such a domain when it is defined, and refuses to start it: "NUMA node 2 is unavailable". It does so in every mode,
also preferred, also where the other nodes of the set are there, and for the `<nodemask>` of a memory device as for numatune.
Most often the file comes from a larger host, or from one with several nodes per socket (NPS, SNC) whose firmware has since been
set to one. Node numbers may have gaps: a POWER host may have nodes 0 and 8.

Host: pack:2 [numa(memory=32GiB)] core:4 pu:1

Bad:

    <domain>
      <name>sap2</name>
      <memory unit='GiB'>16</memory>
      <vcpu cpuset='4-7'>4</vcpu>
      <numatune>
        <memory mode='preferred' nodeset='1-2'/>
                                          ^^^ there is no node 2
      </numatune>
    </domain>

Good:

    <domain>
      <name>sap2</name>
      <memory unit='GiB'>16</memory>
      <vcpu cpuset='4-7'>4</vcpu>
      <numatune>
        <memory mode='preferred' nodeset='1'/>
      </numatune>
    </domain>

Fix: Name nodes of the host: those that the vCPUs are on. `numalint show` lists them.

When to ignore it: The host file is older than the host. Capture it again.

Sources:
- measured with libvirt 9.0.0 and 11.3.0 on a host of two nodes: both refuse to start it, in every mode
- autotest/tp-libvirt, invalid nodeset of numa memory binding
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    NodeSet,
    Placement,
    Related,
    Severity,
    ids_text,
    placement_rule,
    union,
)


@placement_rule(
    "node-nonexistent", Severity.ERROR, Category.CORRECTNESS, needs=Fact.NODES, uses=Fact.MEMORY, precision="very-high"
)
def check(placement: Placement) -> Iterator[Finding]:
    known = placement.host.node_by_id
    sets = [each for each in placement.domain.node_sets if any(node not in known for node in each.nodes)]
    if sets:
        yield _finding(placement, sets)


def _finding(placement: Placement, sets: list[NodeSet]) -> Finding:
    host, first = placement.host, sets[0]
    exist: HostNodes = IdSet.of(host.node_by_id)
    missing = union(each.nodes for each in sets) - exist
    who, verb = (first.what, "names") if len(sets) == 1 else (f"{len(sets)} sets of nodes", "name")
    has = ids_text("node", exist)
    others = tuple(Related(each.place, f"{each.what}: {_no(each.nodes - exist)}") for each in sets[1:])
    return Finding(
        place=first.place,
        message=f"{who} {verb} {ids_text('node', missing)}, but {host.name} has {has}",
        label=_no(first.nodes - exist),
        related=others[:MOST_RELATED],
        why=f"libvirt refuses to start it: NUMA node {next(iter(first.nodes - exist))} is unavailable",
        help=_help(placement, exist),
        data={"missing": str(missing), "nodes": str(exist)},
    )


def _no(nodes: HostNodes) -> str:
    return f"there {'is' if len(nodes) == 1 else 'are'} no {ids_text('node', nodes)}"


def _help(placement: Placement, exist: HostNodes) -> str:
    host, own = placement.host, placement.vcpu_nodes
    if own and not placement.unconfined:
        return f"name {ids_text('node', own)}, where its vCPUs are"
    return f"name nodes of {host.name} that have memory: {host.memory_nodes & exist}"
