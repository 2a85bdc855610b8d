"""What domains take together of something of which there is so much: memory of nodes, huge pages, CPUs.

What may come from any of several nodes is there for all where, of each union of such sets, what can come from nowhere else
is no more than the union has (Hall). Of unions those of sets that overlap are enough: another one is only too small where a part
of it is.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from numalint.model.claim import Claim, Party, Target
from numalint.model.fleet import Fleet
from numalint.model.idset import Id, IdSet
from numalint.model.wording import names_text

MOST_UNIONS = 1 << 12
"""Of more unions only so many are looked at, and that of all. Those of 12 nodes, whatever the sets, are no more than these."""
MOST_TURNS = 1 << 6
"""Of more domains that the largest keeps from running only so many are tried in its place."""


class Share(NamedTuple):
    """What a domain takes, and what of it does."""

    claim: Claim
    size: int
    target: Target


class Excess(NamedTuple):
    """Shares that are together more than ``room``: those that run at once, and those that would be in place of some of them."""

    running: tuple[Share, ...]
    in_turn: tuple[Share, ...]
    room: float

    @property
    def wanted(self) -> int:
        return sum(share.size for share in self.running)

    @property
    def who(self) -> str:
        """The domains of ``running``: two by their names, more by their number."""
        names = list(dict.fromkeys(share.claim.domain for share in self.running))
        return names_text(names) if len(names) < 3 else f"{len(self.running)} domains"

    def parties(self, label: Callable[[Share], str]) -> tuple[Party, ...]:
        """The domains, each with what it takes in words."""
        running = (Party(share.claim, share.target, label(share)) for share in self.running)
        in_turn = (Party(share.claim, share.target, f"{label(share)}, in turn with another") for share in self.in_turn)
        return (*running, *in_turn)


def overcommitted(
    fleet: Fleet, needs: Sequence[tuple[IdSet[Id], Share]], room: Callable[[IdSet[Id]], float]
) -> Iterator[tuple[IdSet[Id], Excess]]:
    """The smallest sets, of nodes or CPUs, of which more is taken than their ``room``, and what is; no two of them overlap.

    ``needs`` are shares with the set that each is to come from; the ``room`` of a set is that of its members together.
    """
    totals: dict[int, int] = {}
    for ids, share in needs:
        totals[ids.mask] = totals.get(ids.mask, 0) + share.size
    if _evenly(totals, room):
        return
    told = 0
    for mask in _unions(totals):
        has = room(IdSet(mask))
        if not mask & told and sum(size for one, size in totals.items() if not one & ~mask) > has:
            found = excess(fleet, [share for ids, share in needs if not ids.mask & ~mask], has)
            if found is not None:
                told |= mask
                yield IdSet(mask), found


def _evenly(totals: dict[int, int], room: Callable[[IdSet[Id]], float]) -> bool:
    """Whether all find room where each is spread evenly over its set: then nothing needs a second look."""
    load: dict[Id, float] = {}
    for mask, size in totals.items():
        ids: IdSet[Id] = IdSet(mask)
        for each in ids:
            load[each] = load.get(each, 0) + size / len(ids)
    return all(size <= room(IdSet.of([each])) for each, size in load.items())


def _unions(masks: Iterable[int]) -> list[int]:
    """The unions of sets that hang together, and that of all, from the smallest."""
    single = sorted(masks, key=_size)
    found, queue = set(single), list(single)
    for union in queue:
        for one in single:
            joined = union | one
            if union & one and joined not in found and len(found) < MOST_UNIONS:
                found.add(joined)
                queue.append(joined)
    return sorted(found | {functools.reduce(operator.or_, single, 0)}, key=_size)


def _size(mask: int) -> tuple[int, int]:
    return mask.bit_count(), mask


def excess(fleet: Fleet, shares: Sequence[Share], room: float) -> Excess | None:
    """The shares of domains that may run at once and are together more than ``room``; None where they are not.

    Of domains that never run together the largest counts. A domain that alone is too much is left out: that is its own
    defect, not theirs.
    """
    shares = [share for share in _by_claim(shares) if 0 < share.size <= room]
    running = next((some for some in _runs(fleet, shares) if sum(share.size for share in some) > room), [])
    if not running:
        return None
    among = {id(share.claim) for share in running}
    others = [share for share in shares if id(share.claim) not in among]
    in_turn = [share for share in others if sum(each.size for each in at_once(fleet, [share, *shares])) > room]
    return Excess(tuple(running), tuple(in_turn), room)


def _runs(fleet: Fleet, shares: Sequence[Share]) -> Iterator[list[Share]]:
    """Shares of domains that may run at once: from the largest on; then from others, of which that kept several out.

    One that takes turns with several for several reasons may keep out two that may well run together.
    """
    first = at_once(fleet, shares)
    yield first
    among = {id(share.claim) for share in first}
    wide = frozenset().union(*(turns for share in first if len(turns := fleet.turns(share.claim)) > 1))
    kept_out: dict[frozenset[str], Share] = {}
    for share in shares:
        turns = fleet.turns(share.claim)
        if id(share.claim) not in among and turns & wide:
            kept_out.setdefault(turns, share)
    for share in itertools.islice(kept_out.values(), MOST_TURNS):
        yield at_once(fleet, [share, *shares])


def _by_claim(shares: Iterable[Share]) -> list[Share]:
    """The shares of each domain as one, from the largest."""
    found: dict[int, Share] = {}
    for share in shares:
        earlier = found.get(id(share.claim))
        found[id(share.claim)] = share if earlier is None else earlier._replace(size=earlier.size + share.size)
    return sorted(found.values(), key=lambda share: -share.size)


def at_once(fleet: Fleet, shares: Iterable[Share]) -> list[Share]:
    """Of shares those of domains that may run at the same time; of domains that may not the first."""
    found: list[Share] = []
    taken: set[str] = set()
    for share in shares:
        turns = fleet.turns(share.claim)
        if not turns & taken:
            taken |= turns
            found.append(share)
    return found
