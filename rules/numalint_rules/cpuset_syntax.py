"""A set of CPUs, vCPUs, nodes or cells is written in a way that libvirt does not read.

One parser reads `cpuset`, `nodeset`, `vcpus`, `cpus` of a cell and `<nodemask>`: numbers `N`, ranges `N-M` and exclusions `^N`
between commas, up to 16383. Blanks around numbers, a comma at the end and repeats are taken. Refused are ranges that run
backwards (`3-1`), excluded ranges (`^2-3`), empty terms (`0,,1`), strides (`0-3:2`), words such as `all`, other separators, and
a set from which everything is excluded. libvirt then does not define the domain: "Failed to parse bitmap '0-7,^2-3'", "Invalid
value of 'cpuset': 0,^0". Lists that other tools take, such as `taskset -c 0-6:2` and virt-install's `cpuset=auto`, are none
here.

Host: none

Bad:

    <domain>
      <name>etl2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0-7,^2-3'/>
                                      ^^^^ a range cannot be excluded
        <vcpupin vcpu='1' cpuset='0-7,^2,^3'/>
      </cputune>
    </domain>

Bad:

    <domain>
      <name>etl2</name>
      <vcpu cpuset='0-3;8-11'>2</vcpu>
                       ^^^^^ ';8-11' is not a number
    </domain>

Bad:

    <domain>
      <name>etl2</name>
      <numatune>
        <memory mode='strict' nodeset='0,^0'/>
                                       ^^^^ everything in it is excluded
      </numatune>
    </domain>

Good:

    <domain>
      <name>etl2</name>
      <vcpu cpuset='0-3,8-11'>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0-7,^2,^3'/>
        <vcpupin vcpu='1' cpuset=' 0 - 3, 4,'/>
      </cputune>
    </domain>

Fix: Write numbers and ranges between commas, and an exclusion of each single number after the range that it cuts. Where every
CPU or node is meant, leave the attribute out.

When to ignore it: Never: nothing else is judged in a domain that libvirt cannot read.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse each of these, and read the Good one
- libvirt, virBitmapParse: the grammar
- libvirt, Domain XML format, "CPU Allocation": what a cpuset is
"""

import re
from collections.abc import Iterator

from numalint import MOST_RELATED, Category, Domain, Fault, Finding, IdSet, Related, Severity, Trait, domain_rule

LONGEST = 64
"""A set that is longer in characters is no help."""

_TERM = re.compile(r"(?P<caret>\^?)(?P<first>[0-9]{1,4})(?:-(?P<last>[0-9]{1,4})(?:[:/](?P<step>[1-9][0-9]?))?)?")
_BETWEEN = re.compile(r"[,;|]|(?<=[0-9]) +(?=[0-9^])")


@domain_rule("cpuset-syntax", Severity.ERROR, Category.CORRECTNESS, when=Trait.FAULTS, suppressible=False)
def check(domain: Domain) -> Iterator[Finding]:
    alike: dict[str, list[Fault]] = {}
    for fault in domain.faults:
        if fault.rule == "cpuset-syntax":
            alike.setdefault(fault.text, []).append(fault)
    for faults in alike.values():
        yield _finding(faults)


def _finding(faults: list[Fault]) -> Finding:
    first, others = faults[0], faults[1:]
    reason = first.label.removesuffix(": write ^N for each number")
    what = first.message.removesuffix(f" is not a set that libvirt reads: {first.label}")
    more = f" and {len(others)} more are no sets" if others else " is no set"
    return Finding(
        place=first.place,
        message=f"{what}{more}: {reason}",
        label=first.label,
        related=tuple(Related(each.place, "written alike") for each in others[:MOST_RELATED]),
        why="libvirt refuses to define it, so nothing else was judged in this domain",
        help=_help(first.text, first.position),
        data={"text": first.text, "position": first.position},
    )


def _help(text: str, position: int) -> str:
    if position == len(text):
        return "name a number that is not excluded, or leave the attribute out"
    if text.strip() in ("all", "auto"):
        return "leave the attribute out where all are meant; numad is asked by placement='auto'"
    right = _repaired(text)
    written = f"write '{right}'" if right else "write numbers N, ranges N-M and exclusions ^N between commas"
    read = text[:position].strip(" ,\t\r\n")
    return f"{written}; libvirt reads it up to '{read}'" if read else written


def _repaired(text: str) -> str:
    """The set that seems to be meant, where that can be told; else nothing."""
    mask = 0
    for term in _BETWEEN.split(text):
        match = _TERM.fullmatch(re.sub(r"\s", "", term).removeprefix("+"))
        if match is not None:
            mask = mask & ~_bits(match) if match["caret"] else mask | _bits(match)
        elif term.strip():
            return ""
    right = str(IdSet[int](mask))
    return right if len(right) <= LONGEST else ""


def _bits(term: re.Match[str]) -> int:
    """The numbers of a range either way round, of an excluded one, and of one with a stride."""
    low, high = sorted((int(term["first"]), int(term["last"] or term["first"])))
    return sum(1 << number for number in range(low, high + 1, int(term["step"] or 1)))
