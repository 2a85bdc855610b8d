"""Whether each of several threads can have a CPU of its own, by a maximum matching of threads to CPUs.

Sets that overlap are no defect by themselves: two vCPUs that are both pinned to the two threads of one core have a CPU
each. By Hall's theorem they have not where some k of them share fewer than k CPUs.
"""

from __future__ import annotations

from collections.abc import Sequence

from numalint.model.idset import HostCpus, IdSet


def overbooked(sets: Sequence[HostCpus]) -> list[tuple[tuple[int, ...], HostCpus]]:
    """The groups of sets that have fewer CPUs than they are: the positions of each, and its CPUs.

    Groups are disjoint and each is as small as the augmenting search finds it. Empty where every set gets a CPU.
    """
    if all(len(cpus) >= len(sets) for cpus in sets):
        return []
    owners: dict[int, int] = {}
    groups: list[tuple[set[int], int]] = []
    for position, cpus in enumerate(sets):
        blocked = _augment(position, sets, owners)
        if blocked is not None or not cpus:
            groups.append(blocked or ({position}, 0))
    return [(tuple(sorted(members)), IdSet(mask)) for members, mask in _merged(groups)]


def _augment(start: int, sets: Sequence[HostCpus], owners: dict[int, int]) -> tuple[set[int], int] | None:
    """Give ``start`` a CPU, moving others if need be; None if that worked, else the group that is in each other's way.

    ``owners`` maps the bit of a CPU to the position of the set that has it.
    """
    reached: dict[int, int] = {}  # a CPU's bit, and the set from which it was reached
    seen, queue = 0, [start]
    for position in queue:
        fresh = sets[position].mask & ~seen
        seen |= fresh
        while fresh:
            cpu = fresh & -fresh
            fresh ^= cpu
            reached[cpu] = position
            if cpu not in owners:
                _hand_over(cpu, start, reached, owners)
                return None
            queue.append(owners[cpu])
    return set(queue), seen


def _hand_over(cpu: int, start: int, reached: dict[int, int], owners: dict[int, int]) -> None:
    """Walk back from a free CPU: each set on the way takes the CPU that leads to it and frees its old one."""
    while True:
        position = reached[cpu]
        old = next((each for each, owner in owners.items() if owner == position), None)
        owners[cpu] = position
        if position == start or old is None:
            return
        cpu = old


def _merged(groups: list[tuple[set[int], int]]) -> list[tuple[set[int], int]]:
    """Groups that share a member or a CPU are one."""
    found: list[tuple[set[int], int]] = []
    for members, mask in groups:
        joined, rest = (members, mask), []
        for other in found:
            if other[0] & joined[0] or other[1] & joined[1]:
                joined = (joined[0] | other[0], joined[1] | other[1])
            else:
                rest.append(other)
        found = [*rest, joined]
    return sorted(found, key=lambda group: min(group[0]))
