"""A pin is for a vCPU that the domain does not have.

libvirt drops it when the domain is defined, with no more than a line in its log ("Ignoring vcpupin for missing vcpus"); the
stored XML no longer has it. Most often the number of vCPUs was lowered later, or the vCPUs were counted from 1: they are
numbered from 0, so four vCPUs are 0 to 3. In the second case vCPU 0 has no pin, and runs wherever the others may not.

Host: none

Bad:

    <domain>
      <name>game1</name>
      <vcpu>2</vcpu>
            - 2 vCPUs: 0-1
      <cputune>
        <vcpupin vcpu='1' cpuset='4'/>
        <vcpupin vcpu='2' cpuset='5'/>
                       ^ there is no vCPU 2
      </cputune>
    </domain>

Good:

    <domain>
      <name>game1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Fix: Number the pins from 0, delete those that are left over, or raise `<vcpu>`.

When to ignore it: The file is a template for guests of several sizes. The pins that are left over do no harm then.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: the pin is dropped, the domain starts
- libvirt, virDomainVcpuPinDefParseXML: the line in the log
- autotest/tp-libvirt, cfg/cpu/vcpu_affinity.cfg: a pin of vCPU 9 of 8 is expected to be accepted
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    TEXT,
    Category,
    Domain,
    Finding,
    IdSet,
    Related,
    Severity,
    ThreadPin,
    Trait,
    Vcpu,
    Vcpus,
    count_text,
    domain_rule,
    ids_text,
    set_text,
    written_ids_text,
)


@domain_rule("vcpupin-unknown-vcpu", Severity.WARNING, Category.CORRECTNESS, when=Trait.PINS | Trait.REPEATED)
def check(domain: Domain) -> Iterator[Finding]:
    if len(domain.pins) == len(domain.vcpupins) + len(domain.iothreadpins) + (domain.emulatorpin is not None):
        return
    strange = [each for each in domain.pins if each.thread == "vcpu" and (each.id or 0) >= domain.maximum]
    if strange:
        yield _finding(domain, strange)


def _finding(domain: Domain, strange: list[ThreadPin]) -> Finding:
    vcpus = {each.id for each in strange if each.id is not None}
    who, have = written_ids_text("vCPU", vcpus), "has a pin" if len(vcpus) == 1 else "have pins"
    exist: Vcpus = IdSet((1 << domain.maximum) - 1)
    has, first = count_text(domain.maximum, "vCPU"), strange[0]
    counted = () if domain.vcpu_place is None else (Related(domain.vcpu_place.at(TEXT), f"{has}: {set_text(exist)}"),)
    others = tuple(Related(each.pin.place.at("vcpu"), f"nor a vCPU {each.id}") for each in strange[1:])
    return Finding(
        place=first.pin.place.at("vcpu"),
        message=f"{who} {have}, but the domain has {has}",
        label=f"there is no vCPU {first.id}",
        related=(*counted, *others[:MOST_RELATED]),
        why="libvirt drops such a pin when the domain is defined, with no more than a line in its log",
        help=_help(domain, vcpus),
        data={"vcpus": who, "maximum": domain.maximum},
    )


def _help(domain: Domain, vcpus: set[int]) -> str:
    free: Vcpus = domain.online - IdSet[Vcpu].of(domain.vcpupins)
    if free:
        none = "has no pin" if len(free) == 1 else "have no pin"
        return f"vCPUs are numbered from 0: {ids_text('vCPU', free)} {none}, and may be meant; else delete it"
    return f"delete {'it' if len(vcpus) == 1 else 'them'}, or raise <vcpu> to {max(vcpus) + 1}"
