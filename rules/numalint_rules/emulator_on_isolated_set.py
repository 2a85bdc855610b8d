"""The emulator threads, or an IOThread with its workers, are pinned to several isolated CPUs.

CPUs that the kernel isolates (`isolcpus=`) are left out of its load balancing: a thread stays on the CPU on which it was put, and each thread
that it starts begins there too. A pin to several of them looks like room for many threads, but main loop, workers and vhost workers
pile up on one, while the others idle. Red Hat warns of emulator threads on isolcpus in its guide to packet loss, and libvirt's guide for
realtime guests wants the emulator off them. Where the emulator only shares the isolated CPUs of its own vCPUs, as OpenStack does by default,
this is a note: one of these vCPUs has all of its threads.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [cpus]
      isolated = "2-7"
      housekeeping = "0-1"

Bad:

    <domain>
      <name>nfv4</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='2-3'/>
                             ^^^ isolated
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>nfv4</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='4-5'/>
                             ^^^ isolated
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv4</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='0-1'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv4</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='0-1'/>
        <iothreadpin iothread='1' cpuset='6'/>
      </cputune>
    </domain>

Fix: Pin these threads to CPUs that are not isolated, or to a single one.

When to ignore it: The CPUs are isolated by a cpuset partition that balances inside, not by isolcpus. Then leave them out of the host
file's `isolated`.

Sources:
- Linux, kernel-parameters: isolcpus are isolated from the general SMP balancing
- Red Hat OpenStack Platform 13, OVS-DPDK End to End Troubleshooting Guide, chapter 13: emulator threads and isolcpus
- libvirt, KVM Real Time Guest Config: emulator threads on CPUs that are not isolated
"""

from collections.abc import Iterator

import msgspec

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
    Trait,
    cpus_text,
    place_of_term,
    placement_rule,
)


class _Piled(msgspec.Struct, frozen=True):
    """Threads that are pinned to several isolated CPUs; ``verb`` goes with them."""

    who: str
    verb: str
    pin: Pin
    isolated: HostCpus


@placement_rule(
    "emulator-on-isolated-set",
    Severity.WARNING,
    Category.THREADS,
    when=Trait.PINS,
    uses=(Fact.ISOLATED, Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    isolated = placement.host.isolated
    if isolated is None:
        if any(len(each.pin.cpus) > 1 for each in _pinned(placement, IdSet())):
            yield NotJudged(Fact.ISOLATED, "the CPUs of the emulator and the IOThreads")
        return
    if len(isolated & placement.domain.written_cpus) < 2:
        return
    piled = [each for each in _pinned(placement, isolated) if len(each.isolated) > 1]
    if not piled:
        return
    first = piled[0]
    shares = all(each.isolated <= placement.pinned_cpus for each in piled)
    more = f" ({len(piled)} pins are so)" if len(piled) > 1 else ""
    yield Finding(
        place=_term(first),
        message=f"{first.who} {first.verb} pinned to the isolated CPUs {cpus_text(first.isolated)} "
        f"of {placement.host.name}{more}",
        label="isolated",
        severity=Severity.NOTE if shares else None,
        related=tuple(Related(_term(each), f"{each.who} too") for each in piled[1 : 1 + MOST_RELATED]),
        why="the kernel does not balance isolated CPUs: the threads pile up on one of these, and the others idle",
        help=_help(placement, first),
        data={"cpus": str(first.isolated), "pins": len(piled)},
    )


def _pinned(placement: Placement, isolated: HostCpus) -> Iterator[_Piled]:
    """What has a pin of its own. An inherited set is emulatorpin-missing's and floating-over-isolcpus's."""
    emulator = placement.domain.emulatorpin
    if emulator is not None:
        yield _Piled("the emulator threads", "are", emulator, emulator.cpus & isolated)
    for thread, affinity in placement.used_iothreads.items():
        if affinity.explicit and affinity.pin is not None:
            yield _Piled(f"IOThread {thread} with its workers", "is", affinity.pin, affinity.pin.cpus & isolated)


def _term(piled: _Piled) -> Place:
    return place_of_term(piled.pin, lambda term: bool(term & piled.isolated))


def _help(placement: Placement, piled: _Piled) -> str:
    rest = piled.pin.cpus - piled.isolated
    aside = rest or placement.aside_cpus
    if not aside or aside & piled.isolated:
        return f"pin to one of them, such as cpuset='{min(piled.isolated)}', or to CPUs that are not isolated"
    if rest:
        return f"leave the isolated ones out: cpuset='{rest}'"
    kept = aside <= (placement.host.housekeeping or IdSet())
    return f"cpuset='{aside}', which {'the host keeps for such work' if kept else 'no vCPU of this domain has'}"
