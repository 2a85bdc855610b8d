"""The CPU topology makes another number of vCPUs than the domain has.

Sockets, dies, clusters, cores and threads multiplied must be the number in `<vcpu>`. That is the maximum, not what `current` says
or `<vcpus>` enables: a vCPU that is off has its place in the topology too. libvirt refuses to define anything else ("CPU topology
doesn't match maximum vcpu count"). Before QEMU 2.5 it was taken, so old files have it still. Most often the number of vCPUs
was changed, and the topology forgotten.

Bad:

    <domain>
      <name>win10</name>
      <vcpu current='6'>8</vcpu>
                        - 8 vCPUs
      <cpu>
        <topology sockets='1' cores='3' threads='2'/>
         ^^^^^^^^ 1 socket x 3 cores x 2 threads = 6 vCPUs
      </cpu>
    </domain>

Good:

    <domain>
      <name>win10</name>
      <vcpu current='6'>8</vcpu>
      <cpu>
        <topology sockets='1' cores='4' threads='2'/>
      </cpu>
    </domain>

Good:

    <domain>
      <name>win10</name>
      <vcpu>6</vcpu>
      <cpu>
        <topology sockets='1' cores='3' threads='2'/>
      </cpu>
    </domain>

Fix: Make the product the number in `<vcpu>`. The guest sees its topology: one that changes may ask for a new licence or a new
activation.

When to ignore it: Never where libvirt runs QEMU.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse to define it
- libvirt, qemuValidateDomainVCpuTopology: since QEMU 2.5 the two must agree
- libvirt, Domain XML format, "CPU model and topology"
"""

from collections.abc import Iterator

from numalint import TEXT, Category, Domain, Finding, Related, Severity, Topology, Trait, count_text, domain_rule

_PARTS = ("socket", "die", "cluster", "core", "thread")


@domain_rule("topology-vcpu-mismatch", Severity.ERROR, Category.CORRECTNESS, when=Trait.TOPOLOGY)
def check(domain: Domain) -> Iterator[Finding]:
    topology = domain.topology
    if topology is None or topology.vcpus == domain.maximum or not domain.on_qemu:
        return
    made, has = count_text(topology.vcpus, "vCPU"), count_text(domain.maximum, "vCPU")
    place = domain.vcpu_place
    yield Finding(
        place=topology.place,
        message=f"its topology makes {made} ({_product(topology)}), but the domain has {domain.maximum}",
        label=f"{_product(topology)} = {made}",
        related=() if place is None else (Related(place.at(TEXT), has),),
        why="libvirt refuses to define it: CPU topology doesn't match maximum vcpu count",
        help=_help(topology, domain),
        data={"topology": topology.vcpus, "vcpus": domain.maximum},
    )


def _product(topology: Topology) -> str:
    """The parts as they are multiplied; dies and clusters, of which there is mostly one, only where there are more."""
    counts = [(getattr(topology, f"{part}s"), part) for part in _PARTS]
    return " x ".join(count_text(count, part) for count, part in counts if count > 1 or part not in ("die", "cluster"))


def _help(topology: Topology, domain: Domain) -> str:
    maximum, made = domain.maximum, topology.vcpus
    other = "" if made <= _highest(domain) else f", or <vcpu>{made}</vcpu>"
    if maximum % topology.vcpus_per_socket == 0:
        return f"write sockets='{maximum // topology.vcpus_per_socket}'{other}"
    sockets = len(domain.cells) if domain.cells and maximum % len(domain.cells) == 0 else 1  # else one is torn
    threads = topology.threads if maximum // sockets % topology.threads == 0 else 1
    cores = maximum // sockets // threads
    return f"write <topology sockets='{sockets}' cores='{cores}' threads='{threads}'/>{other}"


def _highest(domain: Domain) -> int:
    """The highest vCPU that the file names, or that `current` counts: with fewer vCPUs, that would be wrong too."""
    listed = (each.id for each in domain.listed_vcpus)
    cells = (vcpu for cell in domain.cells for vcpu in cell.stated)
    return max([*domain.vcpupins, *listed, *cells, (domain.current or 1) - 1], default=0)
