"""A set names CPUs that are offline on the host.

An offline CPU is there, but nothing runs on it: it was switched off to save power, to turn SMT off, or after an error. A set of
which no CPU is online cannot be given to a thread; the kernel refuses it (EINVAL of sched_setaffinity), and libvirt does not
start the domain: "cannot set CPU affinity on process: Invalid argument". Where others of the set are online the threads run on
these alone. Under cgroup v1 such a set is refused too, and once it was cut it stays so when the CPU comes back. A set of all
the host's CPUs is a note.

Host: format = 1
      name = "power8"
      [topology]
      sockets = 1
      cores_per_node = 4
      threads_per_core = 2
      cpu_numbering = "threads-adjacent"
      [cpus]
      offline = "1,3,5,7"

Bad:

    <domain>
      <name>batch2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
                                  ^ CPU 3 is offline
      </cputune>
    </domain>

Bad (warning):

    <domain>
      <name>batch2</name>
      <vcpu cpuset='2-5'>2</vcpu>
                    ^^^ CPUs 3,5 are offline
    </domain>

Good:

    <domain>
      <name>batch2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='4'/>
      </cputune>
    </domain>

Fix: Name CPUs that are online, or bring these online before the guest starts: `chcpu -e 3`.

When to ignore it: The host takes CPUs online as guests need them, as OpenStack nova does with `cpu_power_management`. Then
leave `offline` out of the host file.

Sources:
- Linux, sched_setaffinity(2), EINVAL: a mask without a CPU that is on the system and permitted
- autotest/tp-libvirt, vcpu_affinity: under cgroup v1 a set stays cut after the CPU is back
- OpenStack nova, cpu_power_management: dedicated CPUs that are off until a guest needs them
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    NotJudged,
    Place,
    Placement,
    Related,
    Severity,
    WrittenSet,
    cpus_text,
    ids_text,
    place_of_term,
    placement_rule,
    set_text,
    union,
)


@placement_rule(
    "cpu-offline", Severity.ERROR, Category.CORRECTNESS, needs=(Fact.NODES, Fact.OFFLINE), precision="very-high"
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    host = placement.host
    offline: HostCpus = host.offline or IdSet()
    if not offline & placement.domain.written_cpus:
        return
    if host.cpus is None:
        yield NotJudged(Fact.NODES, "CPUs")
        return
    present = host.cpus | offline  # cpu-nonexistent has the sets that name others
    sets = [each for each in placement.written_sets if each.at_start and each.pin.cpus & offline]
    sets = [each for each in sets if each.pin.cpus <= present]
    dead = [each for each in sets if each.pin.cpus <= offline]
    wide = [each for each in sets if host.cpus <= each.pin.cpus]
    cut = [each for each in sets if each not in dead and each not in wide]
    for group, severity in ((dead, None), (cut, Severity.WARNING), (wide, Severity.NOTE)):
        if group:
            yield _finding(placement, group, offline, severity)


def _finding(placement: Placement, sets: list[WrittenSet], offline: HostCpus, severity: Severity | None) -> Finding:
    host, first = placement.host, sets[0]
    off = union(each.pin.cpus & offline for each in sets)
    left = union(each.pin.cpus - offline for each in sets)
    who = f"{first.whose} names" if len(sets) == 1 else f"{first.whose} and {len(sets) - 1} more name"
    them = "it" if len(off) == 1 else "them"
    has = (
        f"and {host.name} has {them} offline"
        if severity is None
        else f"of which {host.name} has {set_text(off)} offline"
    )
    return Finding(
        place=_place(first, offline),
        message=f"{who} {cpus_text(off | left)}, {has}",
        label=_are_offline(first.pin.cpus & offline),
        severity=severity,
        related=tuple(Related(_place(each, offline), each.whose) for each in sets[1 : 1 + MOST_RELATED]),
        why="libvirt refuses to start it: no thread can run on a CPU that is offline"
        if severity is None
        else f"the threads run on {cpus_text(left)} alone; under cgroup v1 the set is refused",
        help=_help(placement, sets, off, left),
        data={"offline": str(off), "online": str(left)},
    )


def _are_offline(cpus: HostCpus) -> str:
    return f"{ids_text('CPU', cpus)} {'is' if len(cpus) == 1 else 'are'} offline"


def _place(written: WrittenSet, offline: HostCpus) -> Place:
    return place_of_term(written.pin, lambda cpus: bool(cpus & offline))


def _help(placement: Placement, sets: list[WrittenSet], off: HostCpus, left: HostCpus) -> str:
    bring = f"bring {'it' if len(off) == 1 else 'them'} online before the guest starts: chcpu -e {set_text(off)}"
    if left and len(sets) == 1:
        return f"write cpuset='{left}', or {bring}"
    return f"name CPUs of {placement.host.name} that are online: {set_text(placement.host.cpus or IdSet())}; or {bring}"
