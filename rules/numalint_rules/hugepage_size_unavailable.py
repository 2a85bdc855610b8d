"""The guest asks for huge pages of a size that the host does not have.

The sizes are those of the processor and of the kernel: 2 MiB and, where the CPU has `pdpe1gb`, 1 GiB on x86; 64 KiB, 2 MiB, 32
MiB, 1 GiB or others on ARM; 16 MiB or 2 MiB and 1 GiB on POWER. libvirt looks for a hugetlbfs mount of the size and starts no
guest for which it finds none: "Unable to find any usable hugetlbfs mount for 16384 KiB". It is often a slip in the unit, which
is KiB where none is written.

No input of a host tells what is mounted: pages of 1 GiB want a mount of their own (`pagesize=1G`), beside the `/dev/hugepages`
of the default size. A `<hugepages/>` without a size means that default, and is right on any host.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "64 GiB"
      [node.0]
      hugepages = { "2M" = 4096, "1G" = 0 }

Bad:

    <domain>
      <name>fw1</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages>
          <page size='16' unit='MiB'/>
                      ^^ kvm01 has pages of 2 MiB and 1 GiB
        </hugepages>
      </memoryBacking>
    </domain>

Good:

    <domain>
      <name>fw1</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages>
          <page size='2' unit='MiB'/>
        </hugepages>
      </memoryBacking>
    </domain>

Fix: Name a size that the host has, with its unit, or leave the size out.

When to ignore it: The host file lists only the pools in use, and the size is there.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse to start it
- libvirt, Domain XML format, "Memory Backing": size, and its unit
- libvirt, tests, hugepages-default-5M
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    ORDINARY_PAGE,
    Category,
    Fact,
    Finding,
    HugePages,
    Placement,
    Related,
    Severity,
    Trait,
    placement_rule,
    size_text,
)

LARGEST_ORDINARY = 64 << 10
"""A kernel may have ordinary pages of this size (ARM, POWER): to ask for it is no fault, and no input states it."""


@placement_rule(
    "hugepage-size-unavailable",
    Severity.ERROR,
    Category.HUGEPAGES,
    needs=Fact.HUGEPAGES,
    when=Trait.HUGEPAGES,
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    has = {size for node in placement.host.nodes or () for size in node.hugepages or {}}
    wrong = [page for page in placement.domain.hugepages if _strange(page, has)]
    if wrong:
        yield _finding(placement, wrong, sorted(has))


def _strange(page: HugePages, has: set[int]) -> bool:
    size = page.size_bytes
    if size is None or size in has or size in (0, ORDINARY_PAGE):  # hugepage-config-conflict has the size 0
        return False
    return size > LARGEST_ORDINARY or size < ORDINARY_PAGE


def _finding(placement: Placement, wrong: list[HugePages], has: list[int]) -> Finding:
    name, sizes, wanted = placement.host.name, list(map(size_text, has)), wrong[0].size_bytes or 0
    offers = f"pages of {', '.join(sizes[:-1])}{' and ' if sizes[1:] else ''}{sizes[-1]}" if sizes else "no huge pages"
    return Finding(
        place=wrong[0].place.at("size"),
        message=f"it asks for huge pages of {size_text(wanted)}, but {name} has {offers}",
        label=f"{name} has {offers}",
        related=tuple(
            Related(page.place.at("size"), f"{size_text(page.size_bytes or 0)} here") for page in wrong[1:MOST_RELATED]
        ),
        why=f"libvirt does not start it: Unable to find any usable hugetlbfs mount for {wanted // 1024} KiB",
        help=_help(wanted, has),
        data={"page_bytes": wanted, "sizes": " ".join(map(str, has))},
    )


def _help(wanted: int, has: list[int]) -> str:
    if not has:
        return "leave out <hugepages>, or reserve huge pages on the host"
    slip = next((size for size in has if wanted in (size >> 10, size >> 20)), None)  # the unit of a smaller kind
    if slip is None:
        return f"name a size that the host has: {' or '.join(map(size_text, has))}"
    number, unit = size_text(slip).split(" ")
    return f"write <page size='{number}' unit='{unit}'/>; without a unit the size is in KiB"
