"""A set names CPUs that the host does not have.

libvirt takes such a domain when it is defined, and refuses to start it: the kernel does not let a thread or its cgroup have
a CPU that is not there ("Numerical result out of range", "Invalid argument"). Without cgroups, as a session daemon runs, the
set is silently cut instead. The pin of a vCPU that is offline waits, and fails when the vCPU is plugged in.

Host: pack:2 numa:1 core:4 pu:1

Bad:

    <domain>
      <name>ci1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='7'/>
        <vcpupin vcpu='1' cpuset='7-8'/>
                                  ^^^ the host has CPUs 0-7
      </cputune>
    </domain>

Bad (warning):

    <domain>
      <name>ci1</name>
      <memory unit='GiB'>1</memory>
      <vcpu current='1'>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='6'/>
        <vcpupin vcpu='1' cpuset='8'/>
                                  ^ the host has CPUs 0-7
      </cputune>
    </domain>

Good:

    <domain>
      <name>ci1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='6'/>
        <vcpupin vcpu='1' cpuset='7'/>
      </cputune>
    </domain>

Fix: Name CPUs of the host; `numalint show` lists them by node. Often the file was written for another host.

When to ignore it: The host file is older than the host. Capture it again.

Sources:
- measured with libvirt 9.0.0 and 11.3.0 as root, with cgroups: both refuse to start
- autotest/tp-libvirt, cfg/cpu/vcpu_affinity.cfg
"""

from collections.abc import Iterable, Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    NotJudged,
    Pin,
    Place,
    Placement,
    Related,
    Severity,
    Vcpu,
    cpus_text,
    ids_text,
    place_of_term,
    placement_rule,
    set_text,
)


@placement_rule(
    "cpu-nonexistent", Severity.ERROR, Category.CORRECTNESS, needs=Fact.NODES, uses=Fact.OFFLINE, precision="very-high"
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    host = placement.host
    if host.cpus is None:
        yield NotJudged(Fact.NODES, "CPUs")
        return
    present = host.cpus | (host.offline or IdSet())
    if placement.domain.written_cpus <= present:
        return
    sets = [(pin, who, acts) for pin, who, acts in _sets(placement) if not pin.cpus <= present]
    at_start = [(pin, who) for pin, who, acts in sets if acts]
    waiting = [(pin, who) for pin, who, acts in sets if not acts]
    if at_start:
        why = "libvirt refuses to start it: no thread can be given a CPU that is not there"
        yield _finding(placement, at_start, present, None, why)
    if waiting:
        why = "nothing runs on this set at start; what is plugged in later cannot be given these CPUs"
        yield _finding(placement, waiting, present, Severity.WARNING, why)


def _sets(placement: Placement) -> Iterator[tuple[Pin, str, bool]]:
    """Each set that is written, whose it is, and whether a thread has it at start."""
    domain = placement.domain
    for vcpu, pin in domain.vcpupins.items():
        yield pin, f"vCPU {vcpu}", vcpu in domain.online
    if domain.emulatorpin is not None:
        yield domain.emulatorpin, "the emulator", True
    for thread, pin in domain.iothreadpins.items():
        yield pin, f"IOThread {thread}", thread in domain.iothreads
    if domain.cpuset is not None:
        threads = (placement.emulator, *placement.online.values(), *placement.iothreads.values())
        yield domain.cpuset, "<vcpu cpuset>", any(affinity.pin is domain.cpuset for affinity in threads)


def _finding(
    placement: Placement, sets: list[tuple[Pin, str]], present: HostCpus, severity: Severity | None, why: str
) -> Finding:
    host = placement.host
    missing = _missing((pin for pin, _ in sets), present)
    verb = "names" if len(sets) == 1 else "name"
    return Finding(
        place=_place(sets[0][0], present),
        message=f"{_who(placement, sets)} {verb} {cpus_text(missing)}, but {host.name} has CPUs {set_text(present)}",
        label=f"the host has CPUs {set_text(present)}",
        severity=severity,
        related=tuple(Related(_place(pin, present), f"the set of {who}") for pin, who in sets[1 : 1 + MOST_RELATED]),
        why=why,
        help=f"name CPUs of {host.name}: {set_text(present)}",
        data={"missing": str(missing), "cpus": str(present)},
    )


def _who(placement: Placement, sets: list[tuple[Pin, str]]) -> str:
    if len(sets) == 1:
        who = sets[0][1]
        return who if who.startswith("<") else f"the set of {who}"
    own = {pin.place: vcpu for vcpu, pin in placement.domain.vcpupins.items()}
    vcpus = [own.get(pin.place) for pin, _ in sets]
    if None in vcpus:
        return f"{len(sets)} sets"
    return f"the sets of {ids_text('vCPU', IdSet[Vcpu].of(vcpu for vcpu in vcpus if vcpu is not None))}"


def _missing(pins: Iterable[Pin], present: HostCpus) -> HostCpus:
    missing: HostCpus = IdSet()
    for pin in pins:
        missing |= pin.cpus - present
    return missing


def _place(pin: Pin, present: HostCpus) -> Place:
    return place_of_term(pin, lambda cpus: not cpus <= present)
