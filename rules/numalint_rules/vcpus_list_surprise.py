"""The `<vcpus>` list turns vCPUs off that the rest of the file counts as running.

As soon as `<vcpus>` names one vCPU, the list is the master: `<vcpu current>` is ignored, and each vCPU that the list leaves out is off at
start. `<vcpu>4</vcpu>` with entries for vCPUs 0 and 3 alone was stored as `current='1'`. The guest then has fewer vCPUs than was
meant, and pins wait for vCPUs that are not there. A list that libvirt refuses is an error: "vcpu id '4' is out of range of
maximum vcpu count", "vcpu 0 can't be offline", "vcpu0 can't be hotpluggable".

Bad:

    <domain>
      <name>app3</name>
      <vcpu>4</vcpu>
            ^ vCPUs 1-2 are not in <vcpus>
      <vcpus>
        <vcpu id='0' enabled='yes'/>
         ---- the list: vCPUs 0,3 are on
        <vcpu id='3' enabled='yes'/>
      </vcpus>
    </domain>

Bad:

    <domain>
      <name>app3</name>
      <vcpu current='3'>4</vcpu>
                     ^ 2 vCPUs are on
      <vcpus>
        <vcpu id='0' enabled='yes'/>
        <vcpu id='1' enabled='yes'/>
        <vcpu id='2' enabled='no'/>
        <vcpu id='3' enabled='no'/>
      </vcpus>
    </domain>

Bad (error):

    <domain>
      <name>app3</name>
      <vcpu>4</vcpu>
            - 4 vCPUs: 0-3
      <vcpus>
        <vcpu id='0' enabled='yes'/>
        <vcpu id='4' enabled='yes'/>
                  ^ there is no vCPU 4
      </vcpus>
    </domain>

Good:

    <domain>
      <name>app3</name>
      <vcpu current='2'>4</vcpu>
      <vcpus>
        <vcpu id='0' enabled='yes'/>
        <vcpu id='1' enabled='yes'/>
        <vcpu id='2' enabled='no'/>
        <vcpu id='3' enabled='no'/>
      </vcpus>
    </domain>

Fix: List every vCPU, on or off, and let `current` be how many are on; or leave out `<vcpus>`: `current='2'` means the first two.

When to ignore it: The vCPUs are off on purpose. A list that names all of them says so.

Sources:
- measured with libvirt 9.0.0: what the list leaves out is offline, and current is ignored
- libvirt, qemuDomainDefVcpusPostParse: what must hold for vCPU 0
- libvirt, Domain XML format, "CPU Allocation"
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    TEXT,
    Category,
    Domain,
    Finding,
    IdSet,
    ListedVcpu,
    Place,
    Related,
    Severity,
    Trait,
    Vcpu,
    Vcpus,
    count_text,
    domain_rule,
    ids_text,
    set_text,
)


@domain_rule("vcpus-list-surprise", Severity.WARNING, Category.CORRECTNESS, when=Trait.LISTED_VCPUS)
def check(domain: Domain) -> Iterator[Finding]:
    listed = domain.listed_vcpus
    if not listed or not domain.on_qemu:
        return
    strange = [each for each in listed if each.id >= domain.maximum]
    first = [each for each in listed if each.id == 0]
    if strange:
        yield _strangers(domain, strange)
    elif Vcpu(0) not in domain.online:
        place = first[0].place.at("enabled") if first else listed[0].place
        yield _refused(place, "<vcpus> leaves vCPU 0 off", "vCPU 0 is always on", "enabled='yes'")
    elif first[0].hotpluggable:
        place, label = first[0].place.at("hotpluggable"), "vCPU 0 stays"
        yield _refused(place, "<vcpus> makes vCPU 0 hotpluggable", label, "hotpluggable='no'")
    elif first[0].order not in (None, 1):
        place, message = first[0].place.at("order"), f"<vcpus> brings vCPU 0 up as number {first[0].order}"
        yield _refused(place, message, "vCPU 0 is the first", "order='1'")
    else:
        yield from _fewer(domain)


def _strangers(domain: Domain, strange: list[ListedVcpu]) -> Finding:
    first, highest = strange[0], max(each.id for each in strange)
    exist: Vcpus = IdSet((1 << domain.maximum) - 1)
    has, place = f"{count_text(domain.maximum, 'vCPU')}: {set_text(exist)}", domain.vcpu_place
    others = tuple(Related(each.place.at("id"), f"nor a vCPU {each.id}") for each in strange[1 : 1 + MOST_RELATED])
    return Finding(
        place=first.place.at("id"),
        message=f"<vcpus> names vCPU {first.id}, but the domain has {count_text(domain.maximum, 'vCPU')}",
        label=f"there is no vCPU {first.id}",
        severity=Severity.ERROR,
        related=(*(() if place is None else (Related(place.at(TEXT), has),)), *others),
        why=f"libvirt refuses to define it: vcpu id '{first.id}' is out of range of maximum vcpu count",
        help=f"leave it out, or raise <vcpu> to {highest + 1}",
        data={"vcpu": first.id, "maximum": domain.maximum},
    )


def _refused(place: Place, message: str, label: str, right: str) -> Finding:
    return Finding(
        place=place,
        message=message,
        label=label,
        severity=Severity.ERROR,
        why="libvirt refuses to define it: vCPU 0 is there from the start, the first of all",
        help=f"write <vcpu id='0' {right} .../> in <vcpus>",
    )


def _fewer(domain: Domain) -> Iterator[Finding]:
    on, current = len(domain.online), domain.current
    whole: Vcpus = IdSet((1 << domain.maximum) - 1)
    missing = whole - IdSet.of(Vcpu(each.id) for each in domain.listed_vcpus)
    if domain.vcpu_place is None or current == on or (current is None and not missing):
        return
    counted = f"current='{current}'" if current is not None else f"<vcpu> says {domain.maximum}"
    yield Finding(
        place=domain.vcpu_place.at(TEXT if current is None else "current"),
        message=f"{counted}, but <vcpus> leaves {count_text(on, 'vCPU')} on: {set_text(domain.online)}",
        label=f"{ids_text('vCPU', missing)} {'is' if len(missing) == 1 else 'are'} not in <vcpus>"
        if current is None
        else f"{count_text(on, 'vCPU')} {'is' if on == 1 else 'are'} on",
        related=(Related(domain.listed_vcpus[0].place, f"the list: {ids_text('vCPU', domain.online)} are on"),),
        why=f"it starts with {count_text(on, 'vCPU')}: the list is the master, and what it leaves out is off",
        help=f"list every vCPU of {set_text(whole)} as enabled or not, and write current='{on}' if that is meant",
        data={"online": str(domain.online), "unlisted": str(missing)},
    )
