"""All vCPUs of the guest are realtime, so that none is left for its other work.

A Linux guest has housekeeping too: kernel threads, interrupts, ssh, the guest agent, and vCPUs that wait for each other. libvirt's guide
gives a realtime Linux guest two vCPUs at least, one of them for what is not realtime and for I/O. OpenStack's mask of
realtime vCPUs leaves out vCPU 0 as a rule, and puts the emulator threads there: with none left they need CPUs elsewhere.

Host: none

Bad:

    <domain>
      <name>plc14</name>
      <vcpu>2</vcpu>
            ^ all 2 vCPUs are realtime
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='0-1'/>
        <vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>
                          --- fifo, priority 1
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc14</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
        <emulatorpin cpuset='0-1'/>
        <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: Leave one vCPU, mostly vCPU 0, or all threads of its core, out of vcpusched, and keep realtime work off it in the guest.

When to ignore it: The guest's system has nothing else to do, as some that are not Linux.

Sources:
- libvirt, KVM Real Time Guest Config: a minimum of 2 CPUs for Linux guests
- OpenStack nova, real time: the mask of realtime vCPUs
"""

from collections.abc import Iterator

from numalint import TEXT, Category, Domain, Finding, IdSet, Related, Severity, Trait, domain_rule, ids_text


@domain_rule("rt-all-vcpus", Severity.NOTE, Category.REALTIME, when=Trait.REALTIME)
def check(domain: Domain) -> Iterator[Finding]:
    if not domain.online <= domain.realtime:
        return
    first, count = domain.scheduler_of(min(domain.online)), len(domain.online)
    told = () if first is None else (Related(first.place.at("vcpus"), f"{first.policy}, priority {first.priority}"),)
    are = "the only vCPU is" if count == 1 else f"all {count} vCPUs are"
    yield Finding(
        place=domain.place if domain.vcpu_place is None else domain.vcpu_place.at(TEXT),
        message=f"{are} realtime: none is left for the guest's other work",
        label=f"{are} realtime",
        related=told,
        why="the guest's kernel threads, interrupts and agent wait whenever its realtime work does not sleep",
        help=_help(domain),
        data={"vcpus": count},
    )


def _help(domain: Domain) -> str:
    """A whole core of the guest: a thread of a core whose other thread is realtime would wait for that."""
    cores = (core & domain.online for core in domain.guest_cores)
    spared = next((core for core in cores if core), IdSet.of([min(domain.online)]))
    first = f"leave {ids_text('vCPU', spared)} out of <vcpusched>"
    if spared != domain.online:
        return first
    return f"give the guest one {'vCPU' if len(spared) == 1 else 'core'} more, and {first}"
