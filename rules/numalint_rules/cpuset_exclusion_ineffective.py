"""An exclusion in a set takes nothing out of it.

The terms of a set act from left to right, so `^3` removes only what the terms before it have put in: `0-7,^3` is 0-2 and 4-7,
but `^3,0-7` is 0-7, and `0-7,^3,3` too. libvirt says nothing and stores `0-7`. The CPU that was to be left alone, for the host,
for another guest or for a core's second thread, is then used all the same. An exclusion of what never comes (`0-3,^9`) does no
harm; it is a note, for most often one of its numbers is wrong.

Host: none

Bad:

    <domain>
      <name>stream1</name>
      <vcpu cpuset='^3,0-7'>4</vcpu>
                    ^^ 3 comes in after it
    </domain>

Bad (note):

    <domain>
      <name>stream1</name>
      <vcpu cpuset='0-3,^9'>4</vcpu>
                        ^^ 9 is not in the set
    </domain>

Good:

    <domain>
      <name>stream1</name>
      <vcpu cpuset='0-7,^3'>4</vcpu>
    </domain>

Fix: Write exclusions after the range that they cut, or write only what is meant: `0-2,4-7`.

When to ignore it: Never; what remains is clearer without it.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: `^0,0-1` is stored as `0-1`
- libvirt, Domain XML format, "CPU Allocation": the caret excludes a CPU from a previous range
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    IdSet,
    Related,
    Severity,
    Trait,
    VainExclusion,
    domain_rule,
    set_text,
)


@domain_rule("cpuset-exclusion-ineffective", Severity.WARNING, Category.CORRECTNESS, when=Trait.EXCLUSIONS)
def check(domain: Domain) -> Iterator[Finding]:
    alike: dict[tuple[str, bool], list[VainExclusion]] = {}
    for each in domain.exclusions:
        alike.setdefault((each.what, each.kept), []).append(each)
    for group in alike.values():
        yield _finding(group)


def _finding(group: list[VainExclusion]) -> Finding:
    first = group[0]
    numbers: IdSet[int] = IdSet.of(each.number for each in group)
    said, read = set_text(numbers), set_text(first.ids)
    has = f"but libvirt reads {read}" if first.kept else "which it does not have"
    return Finding(
        place=first.place,
        message=f"{first.what} excludes {said}, {has}",
        label=f"{first.number} comes in after it" if first.kept else f"{first.number} is not in the set",
        severity=None if first.kept else Severity.NOTE,
        related=tuple(Related(each.place, f"and {each.number}") for each in group[1 : 1 + MOST_RELATED]),
        why="terms act from left to right: what comes after the exclusion is in the set"
        if first.kept
        else f"libvirt reads {read} with it and without it; a number may be wrong",
        help=_help(first, numbers),
        data={"excluded": str(numbers), "read": str(first.ids)},
    )


def _help(exclusion: VainExclusion, numbers: IdSet[int]) -> str:
    if not exclusion.kept:
        return f"write '{set_text(exclusion.ids)}', or exclude a number that is in it"
    meant = exclusion.ids - numbers
    return f"write '{set_text(meant)}' to leave out {set_text(numbers)}" if meant else "name what is meant"
