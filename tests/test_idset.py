"""Sets of CPUs and nodes: libvirt's notation as its bitmap parser was measured, and the algebra of sets."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numalint.model.idset import LARGEST_ID, IdSet, NotationError, terms, union


def refusal(text: str) -> NotationError:
    with pytest.raises(NotationError) as caught:
        IdSet.parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0-7", "0-7"),
        ("3-3", "3"),
        ("4,0-1", "0-1,4"),
        ("0,1,2", "0-2"),
        ("0,0,1-2,2", "0-2"),
        ("0-5,3-9", "0-9"),
        ("007,010-012", "7,10-12"),
        ("0 - 1, 3,", "0-1,3"),
        ("\n 0\t-\r\n1 ,\n3 \n", "0-1,3"),
        (" 7 ", "7"),
        ("0-1,", "0-1"),
        ("0-1, \n", "0-1"),
        ("16383", "16383"),
        ("0-16383", "0-16383"),
    ],
    ids=repr,
)
def test_what_libvirt_takes_is_written_back_in_its_canonical_form(text: str, canonical: str) -> None:
    assert str(IdSet.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0-7,^3", "0-2,4-7"),
        ("0-7, ^3 ,^4,", "0-2,5-7"),
        ("^3,0-7", "0-7"),
        ("^0,0-1", "0-1"),
        ("0-1,^1,1", "0-1"),
        ("0-1,^5", "0-1"),
        ("0-3,^0,^03", "1-2"),
        ("0-1,^16383", "0-1"),
    ],
)
def test_an_exclusion_removes_only_what_stands_before_it(text: str, canonical: str) -> None:
    assert str(IdSet.parse(text)) == canonical


NO_TERM = "is not a number, a range N-M or an exclusion ^N"
NO_RANGE = "a range cannot be excluded: write ^N for each number"
TOO_LARGE = "is over 16383, the largest number that libvirt takes"
NOTHING_LEFT = "everything in it is excluded"


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("", "it is empty", 0),
        (" \n", "it is empty", 2),
        ("all", NO_TERM, 0),
        ("auto", NO_TERM, 0),
        (",0", NO_TERM, 0),
        ("0,,1", NO_TERM, 2),
        ("0-1,,", NO_TERM, 4),
        ("0;1", NO_TERM, 1),
        ("0 1", NO_TERM, 2),
        ("0x1", NO_TERM, 1),
        ("+1", NO_TERM, 0),
        ("-1", NO_TERM, 0),
        ("0-", NO_TERM, 1),
        ("0-1-2", NO_TERM, 3),
        ("0-3:2", NO_TERM, 3),
        ("^ 0", NO_TERM, 0),
        ("0-1,^ 0", NO_TERM, 4),
        ("0, ^", NO_TERM, 3),
        ("٣", NO_TERM, 0),
        ("0-٣", NO_TERM, 1),
        ("0,\u00a01", NO_TERM, 2),
        ("^0-3", NO_RANGE, 0),
        ("0-7,^2-3", NO_RANGE, 4),
        ("3-1", "the range 3-1 runs backwards", 0),
        ("0, 010-9", "the range 10-9 runs backwards", 3),
        ("16384", TOO_LARGE, 0),
        ("0-16384", TOO_LARGE, 0),
        ("0-1,^16384", TOO_LARGE, 4),
        ("99999999999999999999", TOO_LARGE, 0),
        ("0,^0", NOTHING_LEFT, 0),
        ("0-1,^0,^1", NOTHING_LEFT, 0),
        ("^5", NOTHING_LEFT, 0),
    ],
    ids=repr,
)
def test_what_libvirt_refuses_has_a_reason_and_the_position_of_what_is_wrong(
    text: str, reason: str, position: int
) -> None:
    error = refusal(text)
    assert error.reason.endswith(reason)
    assert error.position == position


def test_the_reason_quotes_the_text_at_fault_and_no_more_than_that() -> None:
    assert refusal("0-3,four").reason == f"'four' {NO_TERM}"
    assert refusal("0-3;" + "9" * 100).reason == f"';9999999' {NO_TERM}"


@pytest.mark.parametrize(
    ("text", "number"),
    [("16384", "16384"), ("5-16384", "16384"), ("0,16384-16390", "16390"), ("9" * 20, "9" * 12)],
)
def test_a_number_that_is_too_large_is_named_by_its_first_twelve_digits(text: str, number: str) -> None:
    assert str(refusal(text)) == f"{number} {TOO_LARGE}"


@pytest.mark.parametrize("text", ["{}", "0,{}", "0-{}", "{},1"])
def test_a_number_of_thousands_of_digits_is_refused_like_any_other_that_is_too_large(text: str) -> None:
    error = refusal(text.format("9" * 5000))
    assert error.reason.endswith(TOO_LARGE)
    assert error.position == (2 if text.startswith("0,") else 0)


def test_the_terms_are_kept_as_they_were_written_each_with_its_span() -> None:
    text = " 7,0 - 3 , ^01,3-3,"
    assert [(term.first, term.last, term.excluded, text[term.start : term.end]) for term in terms(text)] == [
        (7, 7, False, "7"),
        (0, 3, False, "0 - 3"),
        (1, 1, True, "^01"),
        (3, 3, False, "3-3"),
    ]


def test_terms_that_exclude_everything_are_still_terms() -> None:
    assert [term.excluded for term in terms("0,^0")] == [False, True]


IDS = st.frozensets(st.integers(0, 70) | st.integers(0, LARGEST_ID), max_size=40)
BLANKS = st.text(" \n\t", max_size=2)


@st.composite
def valid_texts(draw: st.DrawFn) -> str:
    """What the grammar allows: ``N``, ``N-M`` and ``^N`` with blanks and leading zeros, and a comma at the end."""

    def number(value: int) -> str:
        return draw(st.sampled_from(["", "0", "00"])) + str(value) + draw(BLANKS)

    written = []
    for _ in range(draw(st.integers(1, 8))):
        first = draw(st.integers(0, 12))
        form = draw(st.sampled_from(["single", "range", "excluded"]))
        last = f"-{draw(BLANKS)}{number(first + draw(st.integers(0, 5)))}" if form == "range" else ""
        written.append(f"{draw(BLANKS)}{'^' if form == 'excluded' else ''}{number(first)}{last}")
    return ",".join(written) + draw(st.sampled_from(["", ",", ", "]))


def plain_reading(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if part.strip().startswith("^"):
            found.discard(int(part.strip()[1:]))
        elif part.strip():
            found.update(range(int(first), int(last or first) + 1))
    return found


@given(valid_texts())
def test_every_text_of_the_grammar_means_what_a_plain_reading_of_it_says(text: str) -> None:
    expected = plain_reading(text)
    if expected:
        assert set(IdSet.parse(text)) == expected
    else:
        assert refusal(text).reason == NOTHING_LEFT


@given(st.text("0123456789-,^ \n", max_size=12) | st.text(max_size=12) | valid_texts())
@example("0-1,")
@example("\u0661")
@example("²")
def test_any_text_is_a_set_that_is_not_empty_or_is_refused_at_a_position_inside_it(text: str) -> None:
    found, position = None, 0
    try:
        found = IdSet.parse(text)
    except NotationError as error:
        position = error.position
    assert 0 <= position <= len(text)
    assert found is None or (found and max(found) <= LARGEST_ID)


@given(IDS.filter(bool))
def test_the_canonical_form_is_read_back_as_the_same_set(ids: frozenset[int]) -> None:
    written = str(IdSet.of(ids))
    assert IdSet.parse(written) == IdSet.of(ids)
    assert set(IdSet.parse(written)) == ids


@pytest.mark.parametrize("act", [operator.or_, operator.and_, operator.sub])
@given(one=IDS, other=IDS)
def test_the_operators_of_sets_are_those_of_python(act: Callable, one: frozenset[int], other: frozenset[int]) -> None:
    assert set(act(IdSet.of(one), IdSet.of(other))) == act(one, other)


@pytest.mark.parametrize("compare", [operator.le, operator.eq, operator.ne])
@given(one=IDS, other=IDS)
def test_the_comparisons_of_sets_are_those_of_python(
    compare: Callable, one: frozenset[int], other: frozenset[int]
) -> None:
    for right in (other, one | other, one):
        assert compare(IdSet.of(one), IdSet.of(right)) is compare(one, right)


@given(st.lists(IDS, max_size=4))
def test_a_union_of_any_number_of_sets_has_the_members_of_all(sets: list[frozenset[int]]) -> None:
    assert set(union(map(IdSet.of, sets))) == set().union(*sets)


@given(IDS, st.integers(0, LARGEST_ID))
def test_a_set_is_counted_searched_and_walked_in_ascending_order(ids: frozenset[int], other: int) -> None:
    found = IdSet.of(ids)
    assert list(found) == sorted(ids)
    assert len(found) == len(ids)
    assert bool(found) is bool(ids)
    assert all(number in found for number in ids)
    assert (other in found) is (other in ids)


@given(IDS)
def test_runs_cover_the_set_in_order_and_do_not_touch(ids: frozenset[int]) -> None:
    runs = IdSet.of(ids).runs()
    assert [number for first, last in runs for number in range(first, last + 1)] == sorted(ids)
    assert all(last + 1 < first for (_, last), (first, _) in itertools.pairwise(runs))


def test_the_empty_set_is_written_as_nothing_which_libvirt_does_not_read() -> None:
    assert (str(IdSet()), IdSet().runs(), len(IdSet())) == ("", [], 0)
    assert refusal(str(IdSet())).reason == "it is empty"
