"""A vCPU may run on CPUs of several L3 caches.

On AMD EPYC and Ryzen, and on some Arm servers, the cores of a socket are in groups with an L3 cache each: 8 cores on EPYC 9005.
A vCPU that is moved to another group begins with a cold cache there, and what it shares with the guest's other vCPUs then goes
from cache to cache. HAProxy's author saw performance cut in half when a client and a server were on different groups, and 19
to 260 ns between two cores, by pair. This is a note, since the scheduler gains room by it. It is a warning where the pins are
meant to be cores, and this one is not: often the number of the SMT sibling was guessed.

Host: pack:1 [numa(memory=32GiB)] l3:2 core:4 pu:1

Bad (note):

    <domain>
      <name>lb4</name>
      <memory unit='GiB'>4</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2-5'/>
                                  ^^^ CPUs 2-5 are in 2 L3 caches: 0-3 and 4-7
        <vcpupin vcpu='1' cpuset='2-5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>lb4</name>
      <memory unit='GiB'>4</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0-3'/>
        <vcpupin vcpu='1' cpuset='0-3'/>
      </cputune>
    </domain>

Host: pack:1 [numa(memory=32GiB)] l3:2 core:4 pu:2

Bad (warning):

    <domain>
      <name>lb5</name>
      <memory unit='GiB'>4</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0,8'/>
                                  ^^^ CPUs 0,8 are in 2 L3 caches: 0-7 and 8-15
        <vcpupin vcpu='1' cpuset='1,9'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>lb5</name>
      <memory unit='GiB'>4</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0-1'/>
        <vcpupin vcpu='1' cpuset='2-3'/>
      </cputune>
    </domain>

Fix: Keep each set inside the CPUs of one L3 cache; `numalint show` lists them, `lscpu -e` on the host too.

When to ignore it: The guest's own work wants more cache or memory bandwidth rather than short ways: SUSE doubled STREAM's figures by
spreading its threads over the L3 caches.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: pin to CPUs that share an L3 cache
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: the L3 caches, and STREAM over them
- haproxy/haproxy, issue 1616: the figures
"""

from collections.abc import Iterator

from numalint import (
    L3,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpu,
    ids_text,
    place_of_term,
    placement_rule,
    set_text,
)


@placement_rule(
    "vcpupin-spans-llc",
    Severity.NOTE,
    Category.PINNING,
    needs=Fact.L3,
    when=Trait.PINS,
    uses=(Fact.NODES, Fact.CORES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    host = placement.host
    if len(host.l3_of(placement.pinned_cpus)) < 2 or placement.unconfined:
        return
    spans = {
        vcpu: affinity.cpus
        for vcpu, affinity in placement.pinned.items()
        if affinity.cpus is not None and len(affinity.cpus) > 1 and _ours(placement, vcpu, affinity.cpus)
    }
    if not spans:
        return
    vcpu, cpus = next(iter(spans.items()))
    caches = host.l3_of(cpus)
    pins = placement.domain.vcpupins
    other = next((each for each, its in spans.items() if its != cpus), None)
    yield Finding(
        place=place_of_term(pins[vcpu], lambda term: len(host.l3_of(term)) > 1),
        message=_message(placement, spans),
        label=_where(cpus, caches),
        severity=Severity.WARNING if _meant_as_cores(placement) else None,
        related=()
        if other is None
        else (
            Related(pins[other].place.at("cpuset"), f"vCPU {other}: {_where(spans[other], host.l3_of(spans[other]))}"),
        ),
        why="each move to the other cache begins with a cold one, and shared data goes from cache to cache",
        help=_help(placement, cpus, caches),
        data={"vcpus": str(IdSet.of(spans)), "cpus": str(cpus), "caches": len(caches)},
    )


def _ours(placement: Placement, vcpu: Vcpu, cpus: HostCpus) -> bool:
    """Whether a set covers several caches of one node (else vcpupin-spans-*, rt-vcpu-unpinned) and means to choose."""
    host = placement.host
    if len(host.l3_of(cpus)) < 2 or len(host.nodes_of(cpus)) > 1 or vcpu in placement.domain.realtime:
        return False
    node = host.cpus_of(host.nodes_of(cpus)) or host.cpus or IdSet()
    whole = node - (host.housekeeping or IdSet()) <= cpus
    return not whole or len(placement.domain.online) <= max(map(len, _usable(placement, host.l3_of(cpus))))


def _usable(placement: Placement, caches: tuple[L3, ...]) -> list[HostCpus]:
    return [cache.cpus - (placement.host.housekeeping or IdSet()) for cache in caches]


def _meant_as_cores(placement: Placement) -> bool:
    """Whether no set has more CPUs than a core of the host."""
    widest = max(map(len, placement.host.cores or ()), default=1)
    return all(affinity.cpus is None or len(affinity.cpus) <= widest for affinity in placement.pinned.values())


def _message(placement: Placement, spans: dict[Vcpu, HostCpus]) -> str:
    vcpu, cpus = next(iter(spans.items()))
    where = f"{ids_text('CPU', cpus)} of {placement.host.name}, in {len(placement.host.l3_of(cpus))} L3 caches"
    if len(spans) == 1:
        return f"vCPU {vcpu} may run on {where}"
    return f"{ids_text('vCPU', IdSet.of(spans))} may each run in several L3 caches: vCPU {vcpu} on {where}"


def _where(cpus: HostCpus, caches: tuple[L3, ...]) -> str:
    listed = f": {set_text(caches[0].cpus)} and {set_text(caches[1].cpus)}" if len(caches) == 2 else ""
    return f"{ids_text('CPU', cpus)} are in {len(caches)} L3 caches{listed}"


def _help(placement: Placement, cpus: HostCpus, caches: tuple[L3, ...]) -> str:
    fullest = max(_usable(placement, caches), key=lambda usable: len(usable & cpus))
    if _meant_as_cores(placement):
        core = next((core for core in placement.host.cores_of(cpus)), fullest)
        return f"name the CPUs of one core, such as cpuset='{core}'"
    if len(placement.domain.online) <= len(fullest):
        return f"keep the vCPUs in one L3 cache: cpuset='{fullest}'"
    return f"keep each vCPU in one L3 cache: cpuset='{fullest & cpus}'"
