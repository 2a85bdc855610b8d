"""A guest with realtime vCPUs has memory that the host may take away for a while.

A page that was swapped out comes back in milliseconds, and the vCPU waits. KSM that merges pages lets the next write fault. libvirt's
guide for realtime guests therefore wants huge pages, which are never swapped, `<locked/>` for all other memory of the domain, and
`<nosharepages/>`. Without a lock, or with pages that KSM may merge, this is a warning; where the guest's own memory is safe and the
rest is missing, a note.

Host: none

Bad:

    <domain>
      <name>plc13</name>
      <memory unit='GiB'>4</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
         ^^^^^^^^^ vCPU 1 is realtime; no <locked/>, <hugepages> or <nosharepages/>
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>plc13</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
       ^^^^^^^^^^^^^ no <nosharepages/>
        <hugepages/>
        <locked/>
      </memoryBacking>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
         --------- vCPU 1 is realtime
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc13</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages/>
        <nosharepages/>
        <locked/>
      </memoryBacking>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: `<hugepages/>`, `<nosharepages/>` and `<locked/>` in `<memoryBacking>`. `<locked/>` lifts the limit on locked memory, so libvirt
recommends a `<hard_limit>` beside it.

When to ignore it: The host has neither swap nor KSM.

Sources:
- libvirt, KVM Real Time Guest Config: memory configuration
- libvirt, domain XML format: locked, nosharepages, hugepages
"""

from collections.abc import Iterator

from numalint import (
    ORDINARY_PAGE,
    Category,
    Domain,
    Finding,
    Related,
    Severity,
    Trait,
    domain_rule,
    ids_text,
)


@domain_rule("rt-memory-unlocked", Severity.WARNING, Category.REALTIME, when=Trait.REALTIME)
def check(domain: Domain) -> Iterator[Finding]:
    backing, huge = domain.backing, _huge(domain)
    present = {"<locked/>": backing.locked, "<hugepages>": huge, "<nosharepages/>": backing.unshared}
    missing = [element for element, there in present.items() if not there]
    vcpus = domain.realtime & domain.online
    if not missing or not vcpus:
        return
    scheduler = next(each for each in domain.schedulers if each.thread == "vcpu" and each.ids.mask & vcpus.mask)
    lacks = f"no {_listed(missing)}"
    who = f"{ids_text('vCPU', vcpus)} {'is' if len(vcpus) == 1 else 'are'} realtime"
    yield Finding(
        place=backing.place or scheduler.place,
        message=f"{who}, but {_exposed(present)}",
        label=lacks if backing.place is not None else f"{who}; {lacks}",
        severity=None if not backing.locked or not (huge or backing.unshared) else Severity.NOTE,
        related=() if backing.place is None else (Related(scheduler.place, who),),
        why=_why(present),
        help=_help(missing, backing.place is not None),
        data={"missing": " ".join(missing), "vcpus": str(vcpus)},
    )


def _huge(domain: Domain) -> bool:
    return any(page.size_bytes != ORDINARY_PAGE for page in domain.hugepages)


def _listed(elements: list[str]) -> str:
    return elements[0] if len(elements) == 1 else f"{', '.join(elements[:-1])} or {elements[-1]}"


def _exposed(present: dict[str, bool]) -> str:
    """What may happen to the memory, the worst first."""
    words = {"<locked/>": "not locked", "<hugepages>": "not in huge pages", "<nosharepages/>": "open to KSM's merging"}
    missing = [word for element, word in words.items() if not present[element]]
    return (
        f"the domain's memory is {missing[0] if len(missing) == 1 else ', '.join(missing[:-1]) + f' and {missing[-1]}'}"
    )


def _why(present: dict[str, bool]) -> str:
    if not present["<locked/>"]:
        return "a page that was swapped out comes back in milliseconds, and a realtime vCPU waits for it"
    if not present["<hugepages>"]:
        return "small pages miss the TLB more often" + (
            "" if present["<nosharepages/>"] else ", and a write to a page that KSM merged faults"
        )
    return "KSM leaves huge pages alone, but may merge the emulator's own memory"


def _help(missing: list[str], there: bool) -> str:
    elements = "".join("<hugepages/>" if each == "<hugepages>" else each for each in missing)
    limit = (
        ", and a <hard_limit> in <memtune>, since it lifts the limit on locked memory" if "<locked/>" in missing else ""
    )
    return (
        f"add {elements} to <memoryBacking>{limit}"
        if there
        else f"add <memoryBacking>{elements}</memoryBacking>{limit}"
    )
