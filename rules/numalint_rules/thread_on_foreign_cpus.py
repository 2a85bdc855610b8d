"""The emulator or IOThreads of a domain are pinned to CPUs that dedicated vCPUs of another domain have.

The emulator's main loop, its workers and the vhost workers of the NICs keep to `<emulatorpin>`, and I/O to `<iothreadpin>`. A
busy NIC or disk fills a CPU. If that is the CPU of another guest's pinned vCPU, this one loses as much, at moments that have
nothing to do with what it does itself, and nothing in it shows why. Most often the pins were copied from the other domain, or the
set is that of an older plan of the host. It is a note where the threads have other CPUs too, and an error where they have no
CPU but those of realtime vCPUs, beside which they starve, and with them the guest.

Host: pack:1 [numa(memory=64GiB)] core:8 pu:1

Bad:

    <domain>
      <name>nfv1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPU 0 of nfv1 has CPU 2
        <vcpupin vcpu='1' cpuset='3'/>
        <emulatorpin cpuset='1'/>
      </cputune>
    </domain>
    <domain>
      <name>nfv2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='2'/>
                             ^ the emulator of nfv2 has only CPU 2
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>nfv1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPUs 0-1 of nfv1 have CPUs 2-3
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
    </domain>
    <domain>
      <name>nfv2</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='0-3'/>
                             ^^^ the emulator and IOThread 1 of nfv2 may run on CPUs 2-3
        <iothreadpin iothread='1' cpuset='0-3'/>
      </cputune>
    </domain>

Bad (error):

    <domain>
      <name>plc1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
                                  - vCPU 1 of plc1 has CPU 3
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>
    <domain>
      <name>web1</name>
      <vcpu cpuset='0-1'>2</vcpu>
      <cputune>
        <emulatorpin cpuset='3'/>
                             ^ the emulator of web1 has only CPU 3
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <emulatorpin cpuset='0-1'/>
      </cputune>
    </domain>
    <domain>
      <name>nfv2</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='0-1'/>
        <iothreadpin iothread='1' cpuset='0-1'/>
      </cputune>
    </domain>

Fix: `<emulatorpin>` and `<iothreadpin>` with CPUs that no dedicated vCPU has: those that the host keeps for such work, or one that
the guests share.

When to ignore it: The two never run together; declare it as `exclusive-groups` of the host in `numalint.toml`, and it is quiet.

Sources:
- OpenStack nova, CPU topologies: emulator threads steal time; a shared set of CPUs is for them
- Red Hat OpenStack Platform, OVS-DPDK End to End Troubleshooting Guide: emulatorpin with NFV
- measured with libvirt 9.0.0 and 11.3.0: vhost-net workers run where the emulator runs
"""

import itertools
from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Fact,
    Fleet,
    HostCpus,
    IdSet,
    Intrusion,
    Party,
    Severity,
    Target,
    alike,
    dedicated_on,
    host_rule,
    ids_text,
    intrusion,
    names_text,
    short_cpus_text,
    union,
)


@host_rule("thread-on-foreign-cpus", Severity.WARNING, uses=(Fact.CORES, Fact.HOUSEKEEPING), precision="very-high")
def check(fleet: Fleet) -> Iterator[Conflict]:
    pinned = (intrusion(fleet, claim, thread, cpus) for claim in fleet.claims for thread, cpus in _pins(claim).items())
    for guests in alike(each for each in pinned if each is not None):
        yield _conflict(fleet, guests)


def _pins(claim: Claim) -> dict[Target, HostCpus]:
    """The sets of the emulator and the IOThreads that have one of their own."""
    emulator = {} if claim.emulator is None else {Target("emulatorpin"): claim.emulator}
    return emulator | {Target("iothreadpin", str(thread)): cpus for thread, cpus in claim.iothreads.items()}


def _conflict(fleet: Fleet, guests: list[Intrusion]) -> Conflict:
    severity, owners = guests[0].severity, guests[0].owners
    cpus, whose = union(guest.cpus for guest in guests), names_text(owner.domain for owner in owners.claims)
    by_domain = [list(its) for _, its in itertools.groupby(guests, key=lambda guest: id(guest.claim))]
    claims = [its[0].claim for its in by_domain]
    who = _threads(by_domain[0]) if len(claims) == 1 else "emulators and IOThreads"
    return Conflict(
        parties=(*map(_party, by_domain), *(dedicated_on(owner, cpus) for owner in owners.claims)),
        message=f"{who} of {names_text(claim.domain for claim in claims)} {_verb(guests)} "
        f"{short_cpus_text(cpus)} of {fleet.host.name}, dedicated to {whose}",
        severity=severity,
        nodes=fleet.host.nodes_of(cpus),
        why=_why(severity, cpus & owners.realtime),
        help=f"{_pins_text(fleet, guests)}; {fleet.apart_text([*claims, *owners.claims])}",
        data={"cpus": str(cpus), "threads": len(guests), "domains": len(claims), "owners": len(owners.claims)},
    )


def _party(guests: list[Intrusion]) -> Party:
    claim, cpus = guests[0].claim, union(guest.cpus for guest in guests)
    label = f"{_threads(guests)} of {claim.domain} {_verb(guests)} {ids_text('CPU', cpus)}"
    return Party(claim, guests[0].target, label)


def _threads(guests: list[Intrusion]) -> str:
    """Threads of a domain in words: ``the emulator and IOThreads 1-2``."""
    numbers: IdSet[int] = IdSet.of(int(guest.target.name) for guest in guests if guest.target.name)
    emulator = ["the emulator"] if len(numbers) < len(guests) else []
    return " and ".join([*emulator, *([ids_text("IOThread", numbers)] if numbers else [])])


def _verb(guests: list[Intrusion]) -> str:
    if not all(guest.stuck for guest in guests):
        return "may run on"
    return "has only" if len(guests) == 1 else "have only"


def _why(severity: Severity, realtime: HostCpus) -> str:
    if severity is Severity.ERROR:
        return "they wait as long as the realtime vCPU does not sleep, and their guest with them"
    if realtime:
        return "what is put there waits as long as the realtime vCPU does not sleep, and delays that when it does"
    return "device emulation, vhost-net and I/O of the one domain take time from the vCPUs of the other"


def _pins_text(fleet: Fleet, guests: list[Intrusion]) -> str:
    """A pin to write: with CPUs that the host keeps, else with some beside the guest that no dedicated vCPU has."""
    host, claim, thread = fleet.host, guests[0].claim, guests[0].target
    free = (host.cpus or IdSet()) - fleet.dedicated_cpus
    near = free & host.cpus_of(host.nodes_of(claim.dedicated_cpus | (claim.shared or IdSet())))
    cpus = free & (host.housekeeping or IdSet()) or near or free
    if not cpus:
        return "leave a CPU to such threads: dedicated vCPUs have all of them"
    which = f" iothread='{thread.name}'" if thread.name else ""
    others: IdSet[int] = IdSet.of(int(each.target.name) for each in guests[1:] if each.claim is claim)
    too = f" and the same for {ids_text('IOThread', others)}" if others else ""
    return f"<{thread.kind}{which} cpuset='{cpus}'/>{too}: no dedicated vCPU has {ids_text('CPU', cpus)}"
