"""What domains take together, against brute force: every assignment, every set of nodes, every choice of who runs."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from numalint.model.claim import Claim, Target
from numalint.model.fleet import Fleet
from numalint.model.host import Host
from numalint.model.idset import HostNodes, IdSet
from numalint.model.overcommit import Share, at_once, excess, overcommitted

NODES = 4

sizes = st.integers(min_value=1, max_value=3)
masks = st.integers(min_value=1, max_value=(1 << NODES) - 1)
rooms = st.lists(st.integers(min_value=0, max_value=5), min_size=NODES, max_size=NODES)


def claim(name: str, *devices: str) -> Claim:
    return Claim(
        domain=name, named=True, document=f"{name}.xml", number=0, uuid=None, intent=None, vcpus=1, dedicated={}, dedicated_cpus=IdSet(),
        shared=None, emulator=None, iothreads={}, realtime=IdSet(), memory=(), ballooned_bytes=0, devices=devices, pci=(),
    )  # fmt: skip


def fleet_of(claims: list[Claim], *exclusive: set[str]) -> Fleet:
    return Fleet(Host("kvm01"), tuple(claims), tuple(map(frozenset, exclusive)))


def shares_of(needs: list[tuple[int, int]], fleet: Fleet) -> list[tuple[HostNodes, Share]]:
    return [
        (IdSet(mask), Share(each, size, Target("memory")))
        for (mask, size), each in zip(needs, fleet.claims, strict=True)
    ]


def room_of(room: list[int], nodes: HostNodes) -> int:
    return sum(room[node] for node in nodes)


def found(needs: list[tuple[int, int]], room: list[int], *exclusive: set[str]) -> list[int]:
    fleet = fleet_of([claim(f"d{number}") for number in range(len(needs))], *exclusive)
    return [
        nodes.mask for nodes, _ in overcommitted(fleet, shares_of(needs, fleet), lambda nodes: room_of(room, nodes))
    ]


def inside(needs: list[tuple[int, int]], nodes: int) -> int:
    return sum(size for mask, size in needs if not mask & ~nodes)


def deficient(needs: list[tuple[int, int]], room: list[int]) -> list[int]:
    """All sets of nodes that are too small for what can come from nowhere else."""
    return [nodes for nodes in range(1, 1 << NODES) if inside(needs, nodes) > room_of(room, IdSet(nodes))]


def can_be_assigned(needs: list[tuple[int, int]], room: list[int]) -> bool:
    """Whether every unit of every need finds a node: by trying, one unit after another."""
    units = [mask for mask, size in needs for _ in range(size)]
    states = {tuple(room)}
    for mask in units:
        states = {
            tuple(left - (node == at) for node, left in enumerate(state))
            for state in states
            for at in range(NODES)
            if mask >> at & 1 and state[at]
        }
    return bool(states)


@given(st.lists(st.tuples(masks, sizes), max_size=5), rooms)
def test_something_is_found_just_where_no_assignment_is(needs: list[tuple[int, int]], room: list[int]) -> None:
    alone = any(size > room_of(room, IdSet(mask)) for mask, size in needs)
    if not alone:  # what alone is too much is the domain's own defect
        assert bool(found(needs, room)) is not can_be_assigned(needs, room)


@given(st.lists(st.tuples(masks, sizes), max_size=7), rooms)
def test_what_is_found_is_deficient_contains_nothing_smaller_and_overlaps_nothing(
    needs: list[tuple[int, int]], room: list[int]
) -> None:
    if any(size > room_of(room, IdSet(mask)) for mask, size in needs):
        return
    short = deficient(needs, room)
    sets = found(needs, room)
    for nodes in sets:
        assert nodes in short
        assert not [other for other in short if other != nodes and not other & ~nodes]
    assert all(not one & other for one, other in itertools.combinations(sets, 2))
    assert all(any(one & nodes for one in sets) for nodes in short)


@given(
    st.lists(st.tuples(masks, sizes), min_size=2, max_size=6),
    rooms,
    st.lists(st.integers(min_value=0, max_value=2), min_size=6, max_size=6),
)
def test_of_domains_that_never_run_together_every_choice_is_tried(
    needs: list[tuple[int, int]], room: list[int], group_of: list[int]
) -> None:
    if any(size > room_of(room, IdSet(mask)) for mask, size in needs):
        return
    groups: dict[int, list[int]] = {}  # group 0 is of those that are in none
    for number in range(len(needs)):
        groups.setdefault(group_of[number], []).append(number)
    rivals = [members for group, members in groups.items() if group]
    choices = [[needs[number] for number in (*groups.get(0, []), *choice)] for choice in itertools.product(*rivals)]
    exclusive = [{f"d{number}" for number in members} for members in rivals]
    assert bool(found(needs, room, *exclusive)) is any(deficient(choice, room) for choice in choices)


def test_of_domains_that_never_run_together_the_largest_counts_and_the_others_are_named_where_they_would_be_too_much() -> (
    None
):
    claims = [claim(name) for name in ("linux", "windows", "small", "db")]
    fleet = fleet_of(claims, {"linux", "windows", "small"})
    shares = [Share(each, size, Target("memory")) for each, size in zip(claims, (24, 30, 4, 8), strict=True)]
    over = excess(fleet, shares, 31)
    assert over is not None
    assert [share.claim.domain for share in over.running] == ["windows", "db"]
    assert over.wanted == 38
    assert [share.claim.domain for share in over.in_turn] == ["linux"]
    assert excess(fleet, shares, 38) is None


def test_what_takes_turns_with_two_hides_not_that_these_are_too_much_together() -> None:
    claims = [claim("both"), claim("one", "gpu"), claim("two")]
    fleet = fleet_of(claims, {"both", "one"}, {"both", "two"})
    shares = [Share(each, size, Target("memory")) for each, size in zip(claims, (8, 8, 8), strict=True)]
    over = excess(fleet, shares, 9)
    assert over is not None
    assert [share.claim.domain for share in over.running] == ["one", "two"]
    assert over.in_turn == ()
    assert excess(fleet, shares, 16) is None


@given(
    st.lists(sizes, min_size=2, max_size=7),
    st.lists(st.sets(st.integers(min_value=0, max_value=6), min_size=2, max_size=3), max_size=6),
    st.integers(min_value=1, max_value=12),
)
def test_two_domains_that_may_run_together_and_are_too_much_are_never_missed(
    needs: list[int], groups: list[set[int]], room: int
) -> None:
    fleet = fleet_of(
        [claim(f"d{number}") for number in range(len(needs))], *({f"d{n}" for n in each} for each in groups)
    )
    shares = [Share(each, size, Target("memory")) for each, size in zip(fleet.claims, needs, strict=True)]
    pairs = itertools.combinations([share for share in shares if 0 < share.size <= room], 2)
    if any(fleet.together(one.claim, other.claim) and one.size + other.size > room for one, other in pairs):
        over = excess(fleet, shares, room)
        assert over is not None
        running = [share.claim for share in over.running]
        assert all(fleet.together(one, other) for one, other in itertools.combinations(running, 2))


def test_of_domains_with_a_device_in_common_the_largest_counts() -> None:
    claims = [claim("one", "gpu"), claim("two", "gpu", "nic"), claim("three", "nic"), claim("four")]
    shares = [Share(each, size, Target("memory")) for each, size in zip(claims, (8, 6, 4, 2), strict=True)]
    assert [share.claim.domain for share in at_once(fleet_of(claims), shares)] == ["one", "three", "four"]


def test_what_alone_is_too_much_is_left_out_and_parts_of_a_domain_are_one() -> None:
    one, two, large = claims = [claim("one"), claim("two"), claim("large")]
    shares = [Share(each, size, Target("cell")) for each, size in ((one, 3), (two, 4), (one, 3), (large, 11))]
    over = excess(fleet_of(claims), shares, 9)
    assert over is not None
    assert [(share.claim.domain, share.size) for share in over.running] == [("one", 6), ("two", 4)]


def test_a_thousand_domains_with_sets_of_all_kinds_are_counted_quickly() -> None:
    claims = [claim(f"d{number}") for number in range(1000)]
    fleet = fleet_of(claims)
    needs = [(number * 2654435761 % 65535 + 1, 4) for number in range(1000)]  # sets over 16 nodes, hardly two alike
    for room, short in ((260, []), (251, []), (240, ["0-15"])):
        found = overcommitted(fleet, shares_of(needs, fleet), lambda nodes, room=room: room * len(nodes))
        assert [str(nodes) for nodes, _ in found] == short
