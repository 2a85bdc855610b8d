"""`<memory>` says another size than the guest's NUMA cells make.

Where a guest has cells, libvirt overwrites `<memory>` with the sum of the cells and of the memory devices, in silence: a domain with
512 MiB and two cells of 128 MiB is stored, and started, with 256 MiB. Whoever reads the file, or sums up a host by it, counts wrong. Most
often one of the two was changed and the other forgotten, or a unit is missing: without one it is KiB.

Bad:

    <domain>
      <name>dw3</name>
      <memory unit='GiB'>16</memory>
                         ^^ the cells make 8 GiB
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
           ---- first of 2 cells: 4 GiB
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw3</name>
      <memory unit='GiB'>16</memory>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='8' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='8' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw3</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='8' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='8' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Write the sum into `<memory>`, or leave `<memory>` out: the cells decide.

When to ignore it: Never: the number is one that nobody acts on.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: the cells' sum is what is stored
- libvirt, virDomainDefPostParseMemory
"""

from collections.abc import Iterator

from numalint import TEXT, Category, Domain, Finding, Related, Severity, Trait, count_text, domain_rule, size_text


@domain_rule("memory-sum-mismatch", Severity.WARNING, Category.CORRECTNESS, when=Trait.CELLS)
def check(domain: Domain) -> Iterator[Finding]:
    written, made = domain.written_memory, domain.memory_bytes
    if not domain.cells or written is None or made is None or written == made or domain.memory_place is None:
        return
    says, sum_text = _sizes(written, made)
    cells, devices = domain.cells, len(domain.guest.memory)
    parts = count_text(len(cells), "guest cell") + (f" and {count_text(devices, 'memory device')}" if devices else "")
    verb = "makes" if len(cells) + devices == 1 else "make"
    first = size_text(cells[0].memory_bytes)
    yield Finding(
        place=domain.memory_place.at(TEXT),
        message=f"<memory> says {says}, but its {parts} {verb} {sum_text}",
        label=f"the cells make {sum_text}" if not devices else f"the cells and devices make {sum_text}",
        related=(Related(cells[0].place, f"first of {count_text(len(cells), 'cell')}: {first}"),),
        why=f"libvirt stores and starts it with {sum_text}, without a word",
        help=f"write <memory unit='KiB'>{made // 1024}</memory>, or make the cells' sum {says}",
        data={"written_bytes": written, "sum_bytes": made},
    )


def _sizes(one: int, other: int) -> tuple[str, str]:
    """Two sizes that differ, in words that differ."""
    texts = size_text(one), size_text(other)
    return texts if texts[0] != texts[1] else (f"{one // 1024} KiB", f"{other // 1024} KiB")
