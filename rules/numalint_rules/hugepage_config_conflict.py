"""What is said of huge pages contradicts itself.

One `<page>` may be without a nodeset: it is for all cells that no other names. A cell is named by one `<page>`. A page has a size.
And huge pages are always allocated at start, from a file system or a memfd: they go neither with `<allocation mode='ondemand'/>` nor
with `<source type='anonymous'/>`. libvirt refuses to define anything else: "two master hugepages detected: 1048576 and 2048",
"nodeset attribute of hugepages of sizes 1048576 and 2048 intersect", "hugepage size can't be zero", "hugepages are not allowed with
memory allocation ondemand", "hugepages are not allowed with anonymous memory source".

Bad:

    <domain>
      <name>dw5</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
           ---- 1 GiB, for all cells
          <page size='2' unit='MiB'/>
           ^^^^ 2 MiB, for all cells too
        </hugepages>
      </memoryBacking>
    </domain>

Bad:

    <domain>
      <name>dw5</name>
      <vcpu>2</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB' nodeset='0'/>
          <page size='2' unit='MiB' nodeset='0-1'/>
                                             ^^^ cell 0 has pages of 1 GiB already
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='1' unit='GiB'/>
          <cell id='1' cpus='1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>dw5</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages/>
         ^^^^^^^^^ with <allocation mode='ondemand'/>
        <allocation mode='ondemand'/>
      </memoryBacking>
    </domain>

Good:

    <domain>
      <name>dw5</name>
      <vcpu>2</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB' nodeset='0'/>
          <page size='2' unit='MiB' nodeset='1'/>
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='1' unit='GiB'/>
          <cell id='1' cpus='1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw5</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages/>
        <allocation mode='immediate'/>
      </memoryBacking>
    </domain>

Fix: One `<page>` for each cell, or one for all. Leave `<allocation>` and `<source>` out, or write immediate, and memfd or file.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse to define it (nodesets that intersect: with 9.0.0)
- libvirt, Domain XML format, "Memory Backing"
- libvirt, qemuValidateDomainDefMemory
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Domain,
    Finding,
    GuestCells,
    HugePages,
    IdSet,
    Related,
    Severity,
    Trait,
    domain_rule,
    ids_text,
    size_text,
)


@domain_rule("hugepage-config-conflict", Severity.ERROR, Category.CORRECTNESS, when=Trait.HUGEPAGES)
def check(domain: Domain) -> Iterator[Finding]:
    pages, backing = domain.hugepages, domain.backing
    if not pages:
        return
    if len(pages) > 1:
        yield from _two_for_all(domain)
        yield from _two_for_one(domain)
    for page in pages:
        if page.size_bytes == 0:
            yield _refused(page, "it asks for huge pages of size 0", "0", "size", "name a size that the host has")
    if domain.on_qemu and backing.allocation == "ondemand":
        message = "it asks for huge pages and for memory on demand, but huge pages are allocated at start"
        yield _refused(pages[0], message, "with <allocation mode='ondemand'/>", None, "leave out <allocation>")
    if domain.on_qemu and backing.source == "anonymous":
        message = "it asks for huge pages and for anonymous memory, but huge pages are a file's or a memfd's"
        yield _refused(pages[0], message, "with <source type='anonymous'/>", None, "write <source type='memfd'/>")


def _cells(domain: Domain, page: HugePages) -> GuestCells | None:
    """The cells of a page; in a guest without cells libvirt drops ``nodeset='0'``, and the page is for all."""
    return None if not domain.cells and page.cells == IdSet(1) else page.cells


def _two_for_all(domain: Domain) -> Iterator[Finding]:
    whole = [page for page in domain.hugepages if _cells(domain, page) is None]
    if len(whole) < 2:
        return
    first, second = whole[:2]
    yield Finding(
        place=second.place,
        message=f"pages of {_size(first)} and of {_size(second)} are both for all of its memory",
        label=f"{_size(second)}, for all cells too",
        related=(Related(first.place, f"{_size(first)}, for all cells"),),
        why="libvirt refuses to define it: two master hugepages detected",
        help="keep one, or give each the cells that it is for: nodeset='0'",
    )


def _two_for_one(domain: Domain) -> Iterator[Finding]:
    taken: GuestCells = IdSet()
    for later in domain.hugepages:
        own = _cells(domain, later) or IdSet()
        if own & taken:
            yield _both_for(domain, later, own)
            return
        taken |= own


def _both_for(domain: Domain, later: HugePages, own: GuestCells) -> Finding:
    """What is wrong with a page some of whose cells an earlier one has."""
    earlier = next(page for page in domain.hugepages if own & (_cells(domain, page) or IdSet()))
    common = own & (_cells(domain, earlier) or IdSet())
    cells, verb = ids_text("cell", common), "has" if len(common) == 1 else "have"
    return Finding(
        place=later.place.at("nodeset"),
        message=f"guest {cells} {verb} pages of {_size(earlier)} and of {_size(later)}",
        label=f"{cells} {verb} pages of {_size(earlier)} already",
        related=(Related(earlier.place.at("nodeset"), f"{_size(earlier)} for {cells}"),),
        why="libvirt refuses to define it: nodeset attribute of hugepages intersect",
        help="name each cell in one <page>",
        data={"cells": str(common)},
    )


def _refused(page: HugePages, message: str, label: str, attribute: str | None, right: str) -> Finding:
    place = page.place if attribute is None else page.place.at(attribute)
    return Finding(place=place, message=message, label=label, why="libvirt refuses to define it", help=right)


def _size(page: HugePages) -> str:
    return "the default size" if page.size_bytes is None else size_text(page.size_bytes)
