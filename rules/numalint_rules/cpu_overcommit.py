"""More vCPUs share some CPUs than is good for them.

vCPUs that float share their CPUs with all others that may run there. Red Hat calls five guests of one vCPU for each CPU safe while
none is busy all the time, and advises against more than ten vCPUs for each core; a guest with several vCPUs gets slower long before,
since one of them waits with a lock that the others need. How many are meant is declared, 3 unless the host's `overcommit` in
`numalint.toml` says otherwise; over that it is a note, over ten for each core a warning. CPUs that the host keeps for itself do not
count, and a dedicated vCPU counts where it runs. The smallest set of CPUs that is too small is named: the pool of some domains, a
node, or the whole host. Of domains that have a device in common, only the largest counts.

Host: pack:1 [numa(memory=64GiB)] core:4 pu:1

Bad:

    <domain>
      <name>web1</name>
      <vcpu>4</vcpu>
            ^ 4 vCPUs of web1
    </domain>
    <domain>
      <name>web2</name>
      <vcpu>4</vcpu>
            - 4 vCPUs of web2
    </domain>
    <domain>
      <name>web3</name>
      <vcpu>4</vcpu>
            - 4 vCPUs of web3
    </domain>
    <domain>
      <name>web4</name>
      <vcpu>4</vcpu>
            - 4 vCPUs of web4
    </domain>

Bad (warning):

    <domain>
      <name>build1</name>
      <vcpu cpuset='2-3'>6</vcpu>
                    ^^^ 6 vCPUs of build1
    </domain>
    <domain>
      <name>build2</name>
      <vcpu cpuset='2-3'>6</vcpu>
    </domain>
    <domain>
      <name>build3</name>
      <vcpu cpuset='2-3'>6</vcpu>
    </domain>
    <domain>
      <name>build4</name>
      <vcpu cpuset='2-3'>6</vcpu>
    </domain>

Good:

    <domain>
      <name>web1</name>
      <vcpu>4</vcpu>
    </domain>
    <domain>
      <name>web2</name>
      <vcpu>4</vcpu>
    </domain>
    <domain>
      <name>web3</name>
      <vcpu>4</vcpu>
    </domain>

Fix: Give the domains fewer vCPUs or more CPUs, or move one to another host. Domains that never run together are declared so in
`numalint.toml`, as `exclusive-groups = [["web1", "web2"]]` of their host.

When to ignore it: The domains are idle most of the time, and not at the same time busy: declare the `overcommit` that is meant.

Sources:
- Red Hat Enterprise Linux 10, Configuring and managing Linux virtual machines, vCPU overcommitment: 5 a CPU, 10 a core
- Red Hat Enterprise Linux 7, Virtualization Deployment and Administration Guide, 7.3: what overcommitting costs SMP guests
- OpenStack nova, cpu_allocation_ratio
"""

from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Excess,
    Fact,
    Fleet,
    HostCpus,
    IdSet,
    Severity,
    Share,
    count_text,
    host_rule,
    ids_text,
    overcommitted,
    short_cpus_text,
)

MOST_PER_CORE = 10
"""vCPUs for each core, from which on Red Hat advises against it."""


@host_rule("cpu-overcommit", Severity.NOTE, uses=(Fact.NODES, Fact.CORES, Fact.HOUSEKEEPING))
def check(fleet: Fleet) -> Iterator[Conflict]:
    needs = [(cpus, Share(claim, claim.sharing, claim.sharing_target)) for claim, cpus in _sharing(fleet)]
    for cpus, over in overcommitted(
        fleet, needs, lambda cpus: fleet.overcommit * len(cpus) - len(cpus & fleet.dedicated_cpus)
    ):
        yield _conflict(fleet, cpus, over)


def _sharing(fleet: Fleet) -> Iterator[tuple[Claim, HostCpus]]:
    """The domains with vCPUs that share CPUs, and which: where numad chooses them, all; not those that the host keeps."""
    kept = fleet.host.housekeeping or IdSet()
    for claim in fleet.claims:
        cpus = (fleet.host.cpus or IdSet()) if claim.shared is None else claim.shared
        if claim.sharing and cpus:
            yield claim, cpus - kept or cpus


def _conflict(fleet: Fleet, cpus: HostCpus, over: Excess) -> Conflict:
    host, dedicated = fleet.host, len(cpus & fleet.dedicated_cpus)
    vcpus, cores = over.wanted + dedicated, len(host.cores_of(cpus))
    too_many = bool(cores) and vcpus > MOST_PER_CORE * cores
    beside = f", beside {count_text(dedicated, 'dedicated one')}" if dedicated else ""
    fewer = int(fleet.overcommit * len(cpus)) - dedicated
    return Conflict(
        parties=over.parties(lambda share: f"{count_text(share.size, 'vCPU')} of {share.claim.domain}"),
        message=f"{over.wanted} vCPUs of {over.who} share {short_cpus_text(cpus)} of {host.name}{beside}: "
        f"{vcpus / len(cpus):.1f} for each CPU, not {fleet.overcommit:g}",
        subject=ids_text("CPU", cpus),
        severity=Severity.WARNING if too_many else None,
        nodes=host.nodes_of(cpus),
        why=f"with more than {MOST_PER_CORE} vCPUs for each core, they wait for each other most of the time"
        if too_many
        else "when they are busy at the same time they wait for each other, perhaps with a lock that others need",
        help=f"at most {fewer} of them there, or declare the overcommit that is meant; "
        f"{fleet.apart_text(share.claim for share in over.running)}",
        data={"cpus": str(cpus), "vcpus": vcpus, "cores": cores, "domains": len(over.running)},
    )
