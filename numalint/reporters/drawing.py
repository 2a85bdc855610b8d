"""What the drawings share: a surface, words that wrap, trees, and runs of like sets that are folded."""

from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from numalint.model.idset import HostCpus, IdSet
from numalint.reporters.terminal import YELLOW, paint, printable, width

FAINT, GREEN, UNKNOWN = "2", "1;32", YELLOW
WIDTH = 100
"""The columns of what goes to a file or a pipe."""
LONGEST_RUN = 8
"""A run of more sets in equal steps is folded."""

_NARROWEST = 20
_LONGEST_SET = 40
_BREAKABLE = re.compile(r"[^, ]*[, ]+|[^, ]+")


class Surface(msgspec.Struct, frozen=True):
    """What a drawing goes to: its width in columns, and whether it shows box characters and colour."""

    width: int = WIDTH
    unicode: bool = True
    colour: bool = False

    @classmethod
    def of(cls, stream: Any, colour: bool) -> Surface:
        """That of an open stream; boxes are drawn in UTF-8 only, every other encoding gets ASCII."""
        try:
            unicode = codecs.lookup(stream.encoding or "ascii").name == "utf-8"
        except LookupError:
            unicode = False
        return cls(shutil.get_terminal_size((WIDTH, 24)).columns if stream.isatty() else WIDTH, unicode, colour)

    def safe(self, text: str) -> str:
        """The text with all that the stream cannot show, or that would drive the terminal, written out."""
        shown = printable(text)
        return shown if self.unicode else shown.encode("ascii", "backslashreplace").decode()


class Word(NamedTuple):
    """Text that stays on one line where it can, in a style. A ``glued`` one follows the last without a blank."""

    text: str
    style: str = ""
    glued: bool = False


class Branch(NamedTuple):
    """A line of a tree with the branches below it."""

    title: Sequence[Word]
    below: Sequence[Branch] = ()


def words(*texts: str, style: str = "") -> list[Word]:
    """Texts as words of one style."""
    return [Word(text, style) for text in texts]


def unknown(what: str) -> Word:
    """A fact that no input states; ``stated`` says so where the fact would stand."""
    return Word(what, UNKNOWN)


def stated(facts: Iterable[Word]) -> list[Word]:
    """Facts with commas between them, then those that are unknown together: ``64 CPUs, L3 and cores unknown``."""
    found = list(facts)
    lacking = [fact.text for fact in found if fact.style == UNKNOWN]
    known = [fact for fact in found if fact.style != UNKNOWN]
    if not lacking:
        return listed(known)
    return listed([*known, Word(f"{conjoined(lacking)} unknown", UNKNOWN)])


def conjoined(texts: Sequence[str]) -> str:
    """``memory, L3 and cores``."""
    return " and ".join(part for part in (", ".join(texts[:-1]), *texts[-1:]) if part)


def listed(parts: Iterable[Word]) -> list[Word]:
    """Parts of a sentence with commas between them."""
    found = list(parts)
    return [part._replace(text=f"{part.text},") for part in found[:-1]] + found[-1:]


def lines(text: Iterable[Word], surface: Surface, first: str = "", rest: str | None = None) -> Iterator[str]:
    """The words filled into the width of the surface, after ``first`` on the first line and ``rest`` on the others."""
    guide, later = first, first if rest is None else rest
    line, used = "", 0
    for word in _breakable(text, surface, _room(surface, max(guide, later, key=width))):
        gap = "" if word.glued or not used else " "
        columns = width(word.text.rstrip())
        if used and _room(surface, guide) - used - len(gap) < columns <= _room(surface, later):
            yield _line(guide, line, surface)
            guide, line, used, gap = later, "", 0, ""
        line += gap + (paint(word.text, word.style, surface.colour) if word.style else word.text)
        used += len(gap) + width(word.text)
    yield _line(guide, line, surface)


def _room(surface: Surface, guide: str) -> int:
    return max(surface.width - width(guide), _NARROWEST)


def _line(guide: str, line: str, surface: Surface) -> str:
    return (guide if guide.isspace() else paint(guide, FAINT, surface.colour)) + line.rstrip()


def _breakable(text: Iterable[Word], surface: Surface, room: int) -> Iterator[Word]:
    """The words as the surface shows them; one that is wider than a line in parts that end with a comma or a blank.

    A name or path without these stays whole: it can still be copied, and a terminal wraps it.
    """
    for word in text:
        shown = surface.safe(word.text)
        if width(shown) <= room:
            yield word._replace(text=shown)
            continue
        for number, part in enumerate(_BREAKABLE.findall(shown)):
            yield Word(part, word.style, glued=word.glued or number > 0)


def tree(branch: Branch, surface: Surface) -> Iterator[str]:
    """A branch at the left margin with all below it, one line each or more where it is long."""
    yield from _grown(branch, surface, "", "")


def _grown(branch: Branch, surface: Surface, first: str, rest: str) -> Iterator[str]:
    fork, last, trunk = ("├─ ", "└─ ", "│  ") if surface.unicode else ("|- ", "`- ", "|  ")
    hanging = trunk if branch.below else "   "
    yield from lines(branch.title, surface, first, rest + hanging)
    for number, each in enumerate(branch.below, 1):
        ends = number == len(branch.below)
        yield from _grown(each, surface, rest + (last if ends else fork), rest + ("   " if ends else trunk))


class Marked(NamedTuple):
    """A set of CPUs as it is drawn: each CPU with its mark, ``0#,32#``, in a style."""

    cpus: HostCpus
    marks: tuple[str, ...] = ()
    style: str = ""

    def word(self) -> Word:
        """The set in libvirt's form, a mark after each number or range that has it."""
        if not any(self.marks):
            return Word(str(self.cpus), self.style)
        terms: list[tuple[HostCpus, str]] = []
        for cpu, mark in zip(self.cpus, self.marks, strict=True):
            if terms and terms[-1][1] == mark:
                terms[-1] = (terms[-1][0] | IdSet(1 << cpu), mark)
            else:
                terms.append((IdSet(1 << cpu), mark))
        text = ",".join(f"{term}{mark}" for cpus, mark in terms for term in str(cpus).split(","))
        return Word(text, self.style)


def folded(sets: Iterable[Marked], longest: int | None = LONGEST_RUN) -> list[Word]:
    """Sets in their order, space between; of a run in equal steps that is longer the first two and the last.

    What ``0,64 1,65 ... 63,127`` leaves out can be told from what is there. ``longest`` None leaves out nothing.
    """
    found: list[Word] = []
    for run in runs(sets):
        if longest is None or len(run) <= longest:
            found += (each.word() for each in run)
        else:
            found += (run[0].word(), run[1].word(), Word("..."), run[-1].word())
    return found


def runs(sets: Iterable[Marked]) -> Iterator[list[Marked]]:
    """The sets in runs in which each is the one before it moved up by as many CPUs, with the same marks."""
    run: list[Marked] = []
    for each in sets:
        moved = _step(run[-1], each) if run else 0
        if not run or (moved and (len(run) == 1 or moved == _step(run[-2], run[-1]))):
            run.append(each)
        elif moved and len(run) == 2:  # the second is the first of a run to come rather
            yield run[:1]
            run = [run[1], each]
        else:
            yield run
            run = [each]
    if run:
        yield run


def _step(one: Marked, other: Marked) -> int:
    """By how many CPUs ``other`` is ``one`` moved up; 0 where it is another set altogether."""
    moved = lowest(other.cpus) - lowest(one.cpus)
    alike = moved > 0 and one.marks == other.marks and one.cpus.mask << moved == other.cpus.mask
    return moved if alike else 0


def lowest(cpus: HostCpus) -> int:
    """Where the lowest CPU of a set is: sorts sets, and tells them apart by a difference."""
    return (cpus.mask & -cpus.mask).bit_length()


def cpus_word(cpus: HostCpus, unfold: bool = False, style: str = "") -> Word:
    """CPUs in libvirt's form or, where that is long and they are in equal steps, ``CPUs 0,4,...,1020 (256 CPUs)``."""
    return Word(numbers_text("CPU", cpus, unfold), style)


def numbers_text(noun: str, ids: IdSet[Any], unfold: bool = False) -> str:
    """Things by their numbers, as ``cpus_word`` has CPUs."""
    text, nouns = str(ids), f"{noun}{'' if len(ids) == 1 else 's'}"
    if not unfold and len(text) > _LONGEST_SET:
        short = ",".join(word.text for word in folded(Marked(IdSet(1 << number)) for number in ids))
        if len(short) < len(text):
            return f"{nouns} {short} ({len(ids)} {nouns})"
    return f"{nouns} {text}"
