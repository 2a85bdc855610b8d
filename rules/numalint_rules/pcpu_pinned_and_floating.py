"""vCPUs that float may run on CPUs that dedicated vCPUs of another domain have.

A vCPU that is pinned to a CPU cannot leave it, while the others choose among all of theirs: whenever the kernel puts one there, the
pinned one gets half of its CPU, without a sign of why. Red Hat tells operators not to mix pinned and floating guests on a host
for that, or to keep the floating ones to CPUs of their own; OpenStack has two sets of CPUs, one for each kind. It is a trade-off
where the floating guests have many CPUs to choose from. It is a warning where all of theirs are other domains' own, and where a
realtime vCPU has the CPU, for it is disturbed, or disturbs. vCPUs that have no CPU but those of realtime vCPUs starve: an error.

A domain without any set does not run on isolated CPUs, from libvirt 10.4 on, and before that the kernel moves nothing there.

Host: pack:1 [numa(memory=64GiB)] core:8 pu:1

Bad:

    <domain>
      <name>db1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='6'/>
                                  - vCPUs 0-1 of db1 have CPUs 6-7
        <vcpupin vcpu='1' cpuset='7'/>
      </cputune>
    </domain>
    <domain>
      <name>batch1</name>
      <vcpu>4</vcpu>
            ^ 4 vCPUs of batch1 may run on CPUs 6-7
    </domain>

Bad (warning):

    <domain>
      <name>db1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='6'/>
                                  - vCPUs 0-1 of db1 have CPUs 6-7
        <vcpupin vcpu='1' cpuset='7'/>
      </cputune>
    </domain>
    <domain>
      <name>batch1</name>
      <vcpu cpuset='6-7'>4</vcpu>
                    ^^^ 4 vCPUs of batch1 have only CPUs 6-7
    </domain>

Bad (error):

    <domain>
      <name>plc1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
        <vcpupin vcpu='1' cpuset='6'/>
                                  - vCPU 1 of plc1 has CPU 6
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>
    <domain>
      <name>batch1</name>
      <vcpu cpuset='6'>1</vcpu>
                    ^ 1 vCPU of batch1 has only CPU 6
    </domain>

Good:

    <domain>
      <name>db1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='6'/>
        <vcpupin vcpu='1' cpuset='7'/>
      </cputune>
    </domain>
    <domain>
      <name>batch1</name>
      <vcpu cpuset='0-5'>4</vcpu>
    </domain>

Fix: `<vcpu cpuset='...'>` with the CPUs that no dedicated vCPU has, in each domain that floats, or CPUs for the dedicated ones that the
kernel isolates (`isolcpus=`).

When to ignore it: The floating domains do little, or the dedicated one does not mind.

Sources:
- OpenStack nova, CPU topologies: unpinned instances float across the CPUs of pinned ones unless each kind has its own
- risuorg/risu, realtime/cpupinning: pinned and unpinned guests on one host, after a Red Hat article
- libvirt, news of 10.4.0: isolated CPUs are left out unless they are asked for
"""

from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Fact,
    Fleet,
    HostCpus,
    IdSet,
    Intrusion,
    NotJudged,
    Party,
    Severity,
    alike,
    count_text,
    dedicated_on,
    host_rule,
    ids_text,
    intrusion,
    names_text,
    short_cpus_text,
    union,
)


@host_rule("pcpu-pinned-and-floating", Severity.NOTE, uses=(Fact.CORES, Fact.ISOLATED, Fact.HOUSEKEEPING))
def check(fleet: Fleet) -> Iterator[Conflict | NotJudged]:
    roamers = []
    for claim in fleet.claims:
        found = intrusion(fleet, claim, claim.sharing_target, claim.shared or IdSet())
        if found is not None and claim.intent is None and fleet.host.cores is None:
            yield NotJudged(Fact.CORES, "whether pins are whole cores")
        elif found is not None:
            roamers.append(found)
    for group in alike(roamers):
        yield _conflict(fleet, group)


def _conflict(fleet: Fleet, roamers: list[Intrusion]) -> Conflict:
    severity, owners = roamers[0].severity, roamers[0].owners
    cpus, vcpus = union(each.cpus for each in roamers), sum(each.claim.sharing for each in roamers)
    stuck = all(each.stuck for each in roamers)
    whose = names_text(owner.domain for owner in owners.claims)
    return Conflict(
        parties=(*(_party(each) for each in roamers), *(dedicated_on(owner, cpus) for owner in owners.claims)),
        message=f"{count_text(vcpus, 'vCPU')} of {names_text(each.claim.domain for each in roamers)} "
        f"{_verb(stuck, vcpus)} {short_cpus_text(cpus)} of {fleet.host.name}, dedicated to {whose}",
        # that some float is one note whoever they are; with no other CPU, or over a realtime vCPU, each is one of its own
        subject="" if severity is not Severity.NOTE else " ".join(owner.domain for owner in owners.claims),
        severity=severity,
        nodes=fleet.host.nodes_of(cpus),
        why=_why(severity, cpus & owners.realtime, stuck),
        help=_help(fleet, [*(each.claim for each in roamers), *owners.claims]),
        data={"cpus": str(cpus), "vcpus": vcpus, "domains": len(roamers), "owners": len(owners.claims)},
    )


def _verb(stuck: bool, count: int) -> str:
    return ("has only" if count == 1 else "have only") if stuck else "may run on"


def _party(roamer: Intrusion) -> Party:
    claim = roamer.claim
    label = f"{count_text(claim.sharing, 'vCPU')} of {claim.domain} {_verb(roamer.stuck, claim.sharing)}"
    return Party(claim, roamer.target, f"{label} {ids_text('CPU', roamer.cpus)}")


def _why(severity: Severity, realtime: HostCpus, stuck: bool) -> str:
    if severity is Severity.ERROR:
        return "they starve while the realtime vCPU runs, and have no other CPU"
    if realtime:
        return "what is put there waits as long as the realtime vCPU does not sleep, and delays that when it does"
    if stuck:
        return "they have no other CPU, so that the dedicated vCPUs get a part of theirs whenever they run"
    return "a vCPU that is put there takes half of a CPU that the dedicated one counts on and cannot leave"


def _help(fleet: Fleet, claims: list[Claim]) -> str:
    free = (fleet.host.guest_cpus or fleet.host.cpus or IdSet()) - fleet.dedicated_cpus
    pool = f"keep those that float to other CPUs: <vcpu cpuset='{free}'>"
    return f"{pool if free else 'leave some CPUs to the domains that float'}; {fleet.apart_text(claims)}"
