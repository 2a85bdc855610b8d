"""Where a guest and its devices are, in words, and where its emulator and its IOThreads may go beside its vCPUs."""

from __future__ import annotations

from numalint.model.apart import bound_text
from numalint.model.devices import Device
from numalint.model.finding import Related
from numalint.model.idset import HostCpus, HostNodes, IdSet, union
from numalint.model.placement import Placement
from numalint.model.wording import ids_text


def home_text(placement: Placement) -> str:
    """What keeps a guest on its nodes, and which these are: ``its vCPUs and memory are on node 1``."""
    kept, bound = bool(placement.held), placement.memory_nodes is not None
    what = "vCPUs and memory are" if kept and bound else "vCPUs are" if kept else "memory is"
    return f"its {what} on {ids_text('node', placement.home_nodes)}"


def home_places(placement: Placement) -> tuple[Related, ...]:
    """Where the domain says so: the first pin of a vCPU, and the first binding of memory."""
    pins = placement.domain.vcpupins
    vcpus = [
        Related(pins[vcpu].place.at("cpuset"), f"vCPU {vcpu} is on {ids_text('node', nodes)}")
        for vcpu, nodes in placement.held.items()
        if vcpu in pins
    ]
    memory = [
        Related(bound.binding.place.at("nodeset"), f"the memory is {bound_text(bound.binding)}")
        for bound in placement.bound
    ]
    return (*vcpus[:1], *memory[:1])


def binding_text(placement: Placement, nodes: HostNodes) -> str:
    """What binds the memory of a guest to ``nodes``, on which its vCPUs are kept."""
    fitting = placement.fitting_nodes
    if len(placement.domain.cells) > 1:
        return "add a <memnode> to <numatune> for each guest cell, with the node that its vCPUs are pinned to"
    if len(nodes) > 1:
        together = "pin to one node" if fitting else "give it a NUMA cell for each node"
        return f"{together}, or bind the memory to all of them: <memory mode='interleave' nodeset='{nodes}'/>"
    if not nodes & fitting:
        return f"node {nodes} cannot hold the whole guest: give it less, or NUMA cells with a <memnode> each"
    return f"add <numatune><memory mode='strict' nodeset='{nodes}'/></numatune>"


def emulatorpin_cpus(placement: Placement) -> HostCpus:
    """CPUs for the emulator beside the guest; none where vCPUs of the guest have all CPUs of its nodes.

    There is one on each node where memory is allocated at start, as far as there are some: QEMU does that from there.
    """
    cpus, host = placement.aside_cpus, placement.host
    free = (host.cpus or IdSet()) - union(pin.cpus for pin in placement.domain.vcpupins.values())
    balanced = free - (host.isolated or IdSet())
    for bound in placement.bound if cpus and placement.domain.preallocated else ():
        near = balanced & host.cpus_of(bound.nodes)
        if near and not near & cpus:
            cpus = cpus | IdSet.of([next(iter(near))])
    return cpus


def emulatorpin_text(placement: Placement) -> str:
    """An emulatorpin to write with ``emulatorpin_cpus``, and whose they are; empty where there are none."""
    return _pin_text(placement, "emulatorpin", emulatorpin_cpus(placement))


def iothreadpin_text(placement: Placement, thread: int) -> str:
    """An iothreadpin to write: with the emulator's CPUs where these are beside the guest, else with CPUs that no vCPU has."""
    pin, emulator = f"iothreadpin iothread='{thread}'", placement.domain.emulatorpin
    beside = emulator is not None and placement.host.nodes_of(emulator.cpus) <= placement.home_nodes
    if emulator is None or not beside or emulator.cpus & placement.pinned_cpus:
        return _pin_text(placement, pin, placement.aside_cpus)
    return f"<{pin} cpuset='{emulator.cpus}'/>, as the emulator has"


def _pin_text(placement: Placement, pin: str, cpus: HostCpus) -> str:
    host = placement.host
    nodes = host.nodes_of(cpus) or placement.home_nodes
    on = f" of {ids_text('node', nodes)}" if nodes else ""
    if not cpus:
        return "" if nodes else f"<{pin}> with CPUs that no vCPU has"
    whose = "the host keeps" if cpus <= (host.housekeeping or IdSet()) else "no vCPU of this domain has"
    return f"<{pin} cpuset='{cpus}'/>: {ids_text('CPU', cpus)}{on}, which {whose}"


def device_text(placement: Placement, device: Device) -> str:
    """A device of the host by its address and what it is called there: ``0000:81:00.0 (ens3f0)``."""
    address = placement.address_of(device)
    if address is None:
        return str(device.reference)
    known = (placement.host.pci or {}).get(address)
    return f"{address} ({', '.join(known.names[:2])})" if known is not None and known.names else str(address)
