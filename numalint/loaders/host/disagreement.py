"""What two inputs of one host disagree on, in sentences that name both files and both values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from numalint.model.host import Host

Value = TypeVar("Value")


class Contradiction(str):
    """A warning that two inputs state one fact with different values. Other warnings are of what one does not see."""

    __slots__ = ()


class Disagreements:
    """Collects what ``parts``, which are merged already, and ``other`` disagree on. What the parts state wins."""

    def __init__(self, parts: Sequence[Host], other: Host) -> None:
        self._parts, self._other = parts, other
        self.warnings: list[str] = []

    def tell(self, sentence: str) -> None:
        """Tells what one input does not see, or a Contradiction."""
        self.warnings.append(sentence)

    def files(self, states: Callable[[Host], object]) -> tuple[str, str]:
        """The first of the merged inputs that states a fact, and the other, as they are named in sentences."""
        part = next((each for each in self._parts if states(each) is not None), self._parts[0])
        return files(part), files(self._other)

    def differ(self, what: str, values: tuple[object, object], states: Callable[[Host], object]) -> None:
        """Tells that a fact has two values: that of the merged inputs, which wins, and the other's."""
        (here, there), (ours, theirs) = self.files(states), values
        self.warnings.append(Contradiction(f"{what}: {here} says {ours}, {there} says {theirs}; took {ours}"))

    def stated(self, what: str, merged: Host, states: Callable[[Host], Value | None]) -> Value | None:
        """The value of a fact: that of the merged inputs, else the other's; told where both state it otherwise."""
        ours, theirs = states(merged), states(self._other)
        if ours is not None and theirs is not None and ours != theirs:
            self.differ(what, (str(ours) or "none", str(theirs) or "none"), states)
        return first(ours, theirs)


def first(one: Value | None, other: Value | None) -> Value | None:
    """The first of two that is known."""
    return one if one is not None else other


def files(host: Host) -> str:
    """The inputs of a host as they are named in sentences."""
    names = host.sources or (host.name,)
    return " and ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more"
