"""Each thread a CPU of its own, or the group that cannot: against a search of all assignments."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numalint.model.idset import IdSet
from numalint.model.matching import overbooked


def found(*sets: str) -> list[tuple[tuple[int, ...], str]]:
    return [(members, str(cpus)) for members, cpus in overbooked([IdSet.parse(text) for text in sets])]


@pytest.mark.parametrize(
    ("sets", "groups"),
    [
        ((), []),
        (("0", "1", "2"), []),
        (("0,112", "0,112", "1,113", "1,113"), []),
        (("0", "0"), [((0, 1), "0")]),
        (("0,1", "0,1", "0,1"), [((0, 1, 2), "0-1")]),
        (("0", "0-1", "0-1"), [((0, 1, 2), "0-1")]),
        (("0", "0-1", "1-2"), []),
        (("0-2", "0", "0-1"), []),
        (("5", "5", "9", "9", "0"), [((0, 1), "5"), ((2, 3), "9")]),
    ],
)
def test_overbooked(sets: tuple[str, ...], groups: list[tuple[tuple[int, ...], str]]) -> None:
    assert found(*sets) == groups


def test_a_set_without_a_cpu_has_none() -> None:
    assert overbooked([IdSet(), IdSet(1)]) == [((0,), IdSet())]


@given(st.lists(st.integers(1, 31), max_size=5))
def test_a_group_has_fewer_cpus_than_members_and_without_one_all_are_served(masks: list[int]) -> None:
    groups = overbooked([IdSet(mask) for mask in masks])
    served = any(
        all(mask >> cpu & 1 for mask, cpu in zip(masks, order, strict=True))
        for order in permutations(range(5), len(masks))
    )
    assert served is not bool(groups)
    for members, cpus in groups:
        assert len(cpus) < len(members)
        assert all(not masks[member] & ~cpus.mask for member in members)


def test_hundreds_of_threads_are_matched_at_once() -> None:
    sets = [IdSet((1 << 1024) - 1)] * 1024
    assert overbooked(sets) == []
    assert overbooked([*sets, IdSet(1)])[0][1] == IdSet((1 << 1024) - 1)
