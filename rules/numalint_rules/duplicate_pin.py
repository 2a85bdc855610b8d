"""A thread is pinned twice, or an element is written twice that may be there once.

libvirt does not merge them and takes neither: "duplicate vcpupin for vcpu '0'", "duplicate iothreadpin for same iothread '1'",
"only one emulatorpin is supported", "only one numatune is supported", "duplicate iothread id '2' found". That both say the same
does not help, nor that they stand in two `<cputune>`, which are read as one; `vcpu='01'` is vCPU 1. Most often a line was
copied and its number left as it was, so that another vCPU has no pin. Of two `<vcpu>`, and of two `<memory>` in numatune,
libvirt takes the first in silence: that is a warning.

Host: none

Bad:

    <domain>
      <name>nfv3</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
                       - its first pin
        <vcpupin vcpu='1' cpuset='6'/>
                       ^ vCPU 1 a second time
      </cputune>
    </domain>

Bad:

    <domain>
      <name>nfv3</name>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
      <numatune>
       ^^^^^^^^ a second <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad (warning):

    <domain>
      <name>nfv3</name>
      <vcpu>2</vcpu>
            - this one counts
      <vcpu cpuset='4-7'>4</vcpu>
       ^^^^ a second <vcpu>
    </domain>

Good:

    <domain>
      <name>nfv3</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Fix: Keep one of each. Where a number was copied along, give the second the number that it was meant for.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: pins and numatune refused, and the silent cases; IOThread ids with 9.0.0
- libvirt, virDomainDefParseXML and virDomainVcpuPinDefParseXML: the messages
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    TEXT,
    Category,
    Domain,
    Finding,
    IdSet,
    Place,
    Related,
    Repeated,
    Severity,
    ThreadPin,
    Trait,
    Vcpu,
    Vcpus,
    count_text,
    cpus_text,
    domain_rule,
    ids_text,
    written_ids_text,
)

REFUSED = {"numatune": "only one numatune is supported"}
WORDS = {
    "vcpu": ("vCPU", "duplicate vcpupin for vcpu '{}'"),
    "iothread": ("IOThread", "duplicate iothreadpin for same iothread '{}'"),
    "emulator": ("the emulator", "only one emulatorpin is supported"),
}


@domain_rule("duplicate-pin", Severity.ERROR, Category.CORRECTNESS, when=Trait.REPEATED)
def check(domain: Domain) -> Iterator[Finding]:
    if len(domain.pins) > len(domain.vcpupins) + len(domain.iothreadpins) + (domain.emulatorpin is not None):
        yield from _pinned_twice(domain)
    if len({each.id for each in domain.listed_iothreads}) < len(domain.listed_iothreads):
        yield _listed_twice(domain)
    tags = {each.element for each in domain.repeated}
    for tag in sorted(tags - {"memory"} if "numatune" in tags else tags):
        yield _element_twice(domain, [each for each in domain.repeated if each.element == tag])


def _pinned_twice(domain: Domain) -> Iterator[Finding]:
    """Of threads that exist: vcpupin-unknown-vcpu and thread-reference-unknown have the others."""
    first: dict[tuple[str, int | None], ThreadPin] = {}
    again: dict[str, list[ThreadPin]] = {}
    for each in domain.pins:
        if _exists(domain, each) and first.setdefault((each.thread, each.id), each) is not each:
            again.setdefault(each.thread, []).append(each)
    for thread, later in again.items():
        yield _twice(domain, thread, [(first[thread, each.id], each) for each in later])


def _exists(domain: Domain, pin: ThreadPin) -> bool:
    if pin.id is None:
        return True
    return pin.id < domain.maximum if pin.thread == "vcpu" else pin.id in domain.iothreads


def _place(pin: ThreadPin) -> Place:
    return pin.pin.place if pin.id is None else pin.pin.place.at(pin.thread)


def _twice(domain: Domain, thread: str, pairs: list[tuple[ThreadPin, ThreadPin]]) -> Finding:
    noun, refused = WORDS[thread]
    ids = {later.id for _, later in pairs if later.id is not None}
    who = written_ids_text(noun, ids) if ids else noun
    before, again = pairs[0]
    sets = f": to {cpus_text(before.pin.cpus)} and to {cpus_text(again.pin.cpus)}" if len(pairs) == 1 else ""
    related = [Related(_place(later), f"{_name(noun, later)} a second time") for _, later in pairs[1:]]
    return Finding(
        place=_place(again),
        message=f"{who} {'is' if len(ids) < 2 else 'are'} pinned more than once{sets}",
        label=f"{_name(noun, again)} a second time",
        related=(Related(_place(before), "its first pin"), *related[:MOST_RELATED]),
        why=f"libvirt refuses to define it: {refused.format(again.id)}",
        help=f"keep one <{thread}pin>{' for each' if len(ids) > 1 else ''}{_without(domain, thread)}",
        data={"thread": thread, "ids": who},
    )


def _name(noun: str, pin: ThreadPin) -> str:
    return noun if pin.id is None else f"{noun} {pin.id}"


def _without(domain: Domain, thread: str) -> str:
    """The vCPUs that a pin may have been meant for."""
    rest: Vcpus = domain.online - IdSet[Vcpu].of(domain.vcpupins)
    if thread != "vcpu" or not rest:
        return ""
    return f"; {ids_text('vCPU', rest)} {'has' if len(rest) == 1 else 'have'} none"


def _listed_twice(domain: Domain) -> Finding:
    seen: dict[int, Place] = {}
    for each in domain.listed_iothreads:
        before = seen.setdefault(each.id, each.place)
        if before is not each.place:
            break
    return Finding(
        place=each.place.at("id"),
        message=f"<iothreadids> lists IOThread {each.id} more than once",
        label=f"IOThread {each.id} a second time",
        related=(Related(before.at("id"), "listed here first"),),
        why=f"libvirt refuses to define it: duplicate iothread id '{each.id}' found",
        help="keep one, or give the second an id of its own",
        data={"thread": "iothread", "ids": str(each.id)},
    )


def _element_twice(domain: Domain, repeated: list[Repeated]) -> Finding:
    first, tag = repeated[0], repeated[0].element
    owner = "<numatune>" if tag == "memory" else "the domain"
    refused, taken = REFUSED.get(tag), _taken(domain, tag)
    return Finding(
        place=first.place,
        message=f"{owner} has {count_text(1 + len(repeated), f'<{tag}> element')}, where there may be one",
        label=f"a second <{tag}>",
        severity=None if refused else Severity.WARNING,
        related=(*taken, *(Related(each.place, "and another") for each in repeated[1 : 1 + MOST_RELATED])),
        why=f"libvirt refuses to define it: {refused}"
        if refused
        else "libvirt reads the first, and drops this one in silence",
        help=f"write what is meant into one <{tag}>",
        data={"element": tag, "count": 1 + len(repeated)},
    )


def _taken(domain: Domain, tag: str) -> tuple[Related, ...]:
    """The one that libvirt reads."""
    if tag == "vcpu" and domain.vcpu_place is not None:
        return (Related(domain.vcpu_place.at(TEXT), "this one counts"),)
    if tag == "memory" and domain.memory is not None:
        return (Related(domain.memory.place, "this one counts"),)
    return ()
