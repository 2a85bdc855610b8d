"""Memory is restrictive in one place of numatune and not in the other.

`restrictive` leaves the guest's memory without a policy of its own: cgroups alone keep it on its nodes, so that it can be moved
while the guest runs. A cell whose memory is bound by policy does not go with that, nor the other way round. Where `<memory>` is
restrictive and a `<memnode>` is not, every libvirt refuses the domain: "'restrictive' mode is required in memnode element when
mode is 'restrictive' in memory element". The reverse, also a restrictive memnode without a `<memory>`, is refused from 9.4.0
on; before, it was taken, and such a guest no longer starts after an upgrade. A mode that is not written is strict.

Host: none

Bad:

    <domain>
      <name>cache2</name>
      <vcpu>2</vcpu>
      <numatune>
        <memory mode='restrictive' nodeset='0-1'/>
                      ----------- restrictive
        <memnode cellid='0' mode='strict' nodeset='0'/>
                                  ^^^^^^ strict
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>cache2</name>
      <vcpu>2</vcpu>
      <numatune>
        <memnode cellid='0' mode='restrictive' nodeset='0'/>
                                  ^^^^^^^^^^^ restrictive
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>cache2</name>
      <vcpu>2</vcpu>
      <numatune>
        <memory mode='restrictive' nodeset='0-1'/>
        <memnode cellid='0' mode='restrictive' nodeset='0'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Write the same in both: restrictive where memory is to be moved live, strict otherwise.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: what each of them refuses
- libvirt, virDomainNumaDefValidate: the check of 9.4.0, which takes a missing `<memory>` for strict
- autotest/tp-libvirt, numa memory binding tests: the same by release
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    MemoryBinding,
    Place,
    Related,
    Severity,
    Trait,
    domain_rule,
)

RESTRICTIVE = "restrictive"
STRICTER = (9, 4)
"""The release from which on a restrictive memnode needs a restrictive memory."""


@domain_rule("restrictive-inconsistent", Severity.ERROR, Category.CORRECTNESS, when=Trait.MEMNODES)
def check(domain: Domain) -> Iterator[Finding]:
    memory = domain.memory
    if memory is not None and memory.nodes is None:
        return  # auto-placement-conflict
    whole = memory is not None and memory.mode == RESTRICTIVE
    odd = [each for each in domain.written_memnodes if (each.mode == RESTRICTIVE) != whole]
    if odd:
        yield _finding(domain, memory, odd)


def _finding(domain: Domain, memory: MemoryBinding | None, odd: list[MemoryBinding]) -> Finding:
    first = odd[0]
    whole = memory is not None and memory.mode == RESTRICTIVE
    refused = whole or domain.libvirt >= STRICTER
    is_so = "there is no <memory>, which counts as strict" if memory is None else f"<memory> is {memory.mode}"
    here, there = ("memnode", "memory") if whole else ("memory", "memnode")
    required = f"'restrictive' mode is required in {here} element when mode is 'restrictive' in {there} element"
    others = tuple(Related(_mode(each), each.mode) for each in odd[1 : 1 + MOST_RELATED])
    return Finding(
        place=_mode(first),
        message=f"the memnode of cell {first.cell} is {first.mode}, but {is_so}",
        label=first.mode,
        severity=None if refused else Severity.WARNING,
        related=(*(() if memory is None else (Related(_mode(memory), memory.mode),)), *others),
        why=f"libvirt {domain.libvirt} refuses to define it: {required}"
        if refused
        else f"from 9.4.0 on refused: {required}",
        help=f"write mode='restrictive' in both, or mode='{first.mode if whole else 'strict'}' in both",
        data={"cell": first.cell if first.cell is not None else "", "libvirt": str(domain.libvirt)},
    )


def _mode(binding: MemoryBinding) -> Place:
    """Where a mode is written; where it is not, the element."""
    return binding.place.at("mode")
