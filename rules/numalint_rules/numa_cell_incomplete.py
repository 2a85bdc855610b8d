"""vCPUs are in none of the guest's NUMA cells, and libvirt puts them into cell 0.

It does so in silence when the domain is defined, so that the guest takes them for near to the memory of cell 0, and a `<memnode>` of
cell 0 counts for them, whatever node they are pinned to. libvirt's own documentation asks for complete cells. Most often
`<vcpu>` was raised and the cells were forgotten. With a single cell there is no other place for a vCPU, and nothing to say.

Bad:

    <domain>
      <name>dw2</name>
      <vcpu>6</vcpu>
            - 6 vCPUs
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
                             ^^^ cell 0 gets vCPUs 4-5 too
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad (note):

    <domain>
      <name>dw2</name>
      <vcpu current='4'>6</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
                             ^^^ cell 0 gets vCPUs 4-5 too
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw2</name>
      <vcpu>6</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-2' memory='1' unit='GiB'/>
          <cell id='1' cpus='3-5' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Put every vCPU up to the maximum into the cell whose memory is near to it.

When to ignore it: Cell 0 is where they belong. Writing it down says so.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both take it; of four vCPUs with cells of 0 and of 3, the first is stored as 0-2
- libvirt, Domain XML format, "CPU model and topology": a complete NUMA topology is encouraged
- libvirt, qemuDomainDefNumaCPUsRectify
"""

from collections.abc import Iterator

from numalint import (
    TEXT,
    Category,
    Domain,
    Finding,
    IdSet,
    Related,
    Severity,
    Trait,
    Vcpus,
    count_text,
    domain_rule,
    ids_text,
    set_text,
    union,
)


@domain_rule("numa-cell-incomplete", Severity.WARNING, Category.CORRECTNESS, when=Trait.SEVERAL_CELLS)
def check(domain: Domain) -> Iterator[Finding]:
    if len(domain.cells) < 2:
        return
    whole: Vcpus = IdSet((1 << domain.maximum) - 1)
    rest = whole - union(cell.stated for cell in domain.cells)
    if not rest or not domain.on_qemu:
        return
    first, place = domain.cells[0], domain.vcpu_place
    which = ids_text("vCPU", rest)
    verb, them, its = ("is", "it", "it is") if len(rest) == 1 else ("are", "them", "they are")
    yield Finding(
        place=first.place.at("cpus"),
        message=f"{which} {verb} in none of its {len(domain.cells)} guest cells, so libvirt puts {them} into cell {first.id}",
        label=f"cell {first.id} gets {which} too",
        severity=None if rest & domain.online else Severity.NOTE,
        related=() if place is None else (Related(place.at(TEXT), count_text(domain.maximum, "vCPU")),),
        why=f"the guest takes {them} for near to the memory of cell {first.id}, wherever {its} pinned",
        help=f"name {them} in the cell that is meant; cell {first.id} with {them} is cpus='{set_text(first.cpus)}'",
        data={"vcpus": str(rest), "cell": first.id},
    )
