"""What changed in the CPUs of a host: which are there, which lists they are in, which cores and caches they make up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from numalint.model.host import L3, Host
from numalint.model.idset import HostCpus, IdSet, union
from numalint.model.wording import count_text, set_text
from numalint.reporters.host.difference import Difference, Value, of_cpus, of_host, sizes, turned

_MOST_SETS = 4


def cpu_changes(old: Host, new: Host) -> Iterator[Difference]:
    """The changes of CPUs, of the lists they are in, of sockets, cores and L3 caches."""
    yield from _online(old, new)
    yield from _offline(old, new)
    yield from _listed("isolated", ("the isolated CPUs", "isolated"), old.isolated, new.isolated)
    kept = ("the CPUs that are kept for the host", "kept for the host")
    yield from _listed("housekeeping", kept, old.housekeeping, new.housekeeping)
    yield from _kinds(old.kinds, new.kinds)
    before, after = _cpus_of(old), _cpus_of(new)
    changed = IdSet() if before is None or after is None else (before - after) | (after - before)
    yield from _groups(("sockets", "socket"), old.sockets, new.sockets, changed)
    yield from _groups(("cores", "core"), old.cores, new.cores, changed)
    yield from _groups(("l3", "L3 cache"), _l3_sets(old), _l3_sets(new), changed)
    yield from _l3_sizes(old.l3 or (), new.l3 or ())


def _online(old: Host, new: Host) -> Iterator[Difference]:
    before, after = _cpus_of(old), _cpus_of(new)
    if before is None or after is None:
        yield from _known("cpus", "the online CPUs", before, after)
        return
    gone, come = before - after, after - before
    off, on = gone & (new.offline or IdSet()), come & (old.offline or IdSet())
    yield from _of_cpus("cpus", off, ("online", "offline"), "went offline")
    yield from _of_cpus("cpus", gone - off, ("online", None), "vanished")
    yield from _of_cpus("cpus", on, ("offline", "online"), "came online")
    yield from _of_cpus("cpus", come - on, (None, "online"), "appeared")


def _cpus_of(host: Host) -> HostCpus | None:
    """The CPUs that are online; where only the nodes say it, theirs."""
    homes = [node.cpus for node in host.nodes or () if node.cpus is not None]
    return host.cpus if host.cpus is not None or len(homes) < len(host.nodes or (None,)) else union(homes)


def _offline(old: Host, new: Host) -> Iterator[Difference]:
    """The CPUs that are off and were not there before, or were off and are gone."""
    if old.offline is None or new.offline is None:
        yield from _known("offline", "the offline CPUs", old.offline, new.offline)
        return
    before, after = _cpus_of(old) or IdSet(), _cpus_of(new) or IdSet()
    yield from _of_cpus("offline", new.offline - old.offline - before, (None, "offline"), "appeared, but offline")
    yield from _of_cpus(
        "offline", old.offline - new.offline - after, ("offline", None), "vanished, having been offline"
    )


def _listed(what: str, words: tuple[str, str], old: HostCpus | None, new: HostCpus | None) -> Iterator[Difference]:
    """What entered and left a list of CPUs; ``words`` are what the list is called, and what a CPU in it is."""
    label, word = words
    if old is None or new is None:
        yield from _known(what, label, old, new)
        return
    yield from _of_cpus(what, new - old, (None, word), f"{_be(new - old)} {word} now")
    yield from _of_cpus(what, old - new, (word, None), f"{_be(old - new)} no longer {word}")


def _kinds(old: dict[str, HostCpus] | None, new: dict[str, HostCpus] | None) -> Iterator[Difference]:
    if old is None or new is None:
        if old is not new:
            one, two = (None if kinds is None else _kinds_text(kinds) for kinds in (old, new))
            yield of_host("kinds", (one, two), "the kinds of CPUs", turned(one, two, "are"))
        return
    for kind in sorted(old.keys() | new.keys()):
        words = (f"the CPUs of the kind {kind}", f"of the kind {kind}")
        yield from _listed("kinds", words, old.get(kind, IdSet()), new.get(kind, IdSet()))


def _kinds_text(kinds: dict[str, HostCpus]) -> str:
    return "; ".join(f"{kind} {cpus or 'none'}" for kind, cpus in sorted(kinds.items())) or "one"


def _be(cpus: HostCpus) -> str:
    return "is" if len(cpus) == 1 else "are"


def _known(what: str, label: str, old: HostCpus | None, new: HostCpus | None) -> Iterator[Difference]:
    """A list of CPUs that is known in one of the two alone."""
    if (old is None) != (new is None):
        values = [None if cpus is None else str(cpus) for cpus in (old, new)]
        one, two = (None if cpus is None else set_text(cpus) or "none" for cpus in (old, new))
        yield of_host(what, (values[0], values[1]), label, turned(one, two, "are"))


def _of_cpus(what: str, cpus: HostCpus, values: tuple[Value, Value], predicate: str) -> Iterator[Difference]:
    if cpus:
        yield of_cpus(what, cpus, values, predicate)


def _groups(
    words: tuple[str, str],
    old: tuple[HostCpus, ...] | None,
    new: tuple[HostCpus, ...] | None,
    changed: HostCpus,
) -> Iterator[Difference]:
    """How CPUs make up sockets, cores or caches. Of those that ``changed``, by coming or going, nothing is said here."""
    what, noun = words
    if old is None or new is None:
        if old is not new:
            one, two = (None if sets is None else count_text(len(sets), noun) for sets in (old, new))
            yield of_host(what, (_texts(old), _texts(new)), f"the {noun}s", turned(one, two, "are"))
        return
    whole = union((*old, *new)) - changed
    before, after = ([each & whole for each in sets if each & whole] for sets in (old, new))
    left, made = ([each for each in sets if each not in others] for sets, others in ((before, after), (after, before)))
    if left or made:
        cpus = union((*left, *made))
        past = "was" if len(cpus) == 1 else "were"
        predicate = f"{_be(cpus)} {_in(noun, made)} ({past} {_in(noun, left)})"
        yield of_cpus(what, cpus, (_texts(left), _texts(made)), predicate)


def _texts(sets: Sequence[HostCpus] | None) -> str | None:
    return None if sets is None else " ".join(map(str, sets))


def _in(noun: str, sets: Sequence[HostCpus]) -> str:
    """``in 2 cores (0-1, 2-3)``, ``in no core``."""
    if not sets:
        return f"in no {noun}"
    shown = "; ".join(set_text(each) for each in sets[:_MOST_SETS]) + ("; ..." if len(sets) > _MOST_SETS else "")
    return f"in {count_text(len(sets), noun)}: {shown}"


def _l3_sets(host: Host) -> tuple[HostCpus, ...] | None:
    return None if host.l3 is None else tuple(cache.cpus for cache in host.l3)


def _l3_sizes(old: Sequence[L3], new: Sequence[L3]) -> Iterator[Difference]:
    """The caches that are of another size, together where they changed alike."""
    before = {cache.cpus: cache.size_bytes for cache in old}
    changed: dict[tuple[int | None, int | None], list[HostCpus]] = {}
    for cache in new:
        if cache.cpus in before and before[cache.cpus] != cache.size_bytes:
            changed.setdefault((before[cache.cpus], cache.size_bytes), []).append(cache.cpus)
    for (one, two), sets in changed.items():
        label = f"the size of the L3 cache of CPUs {set_text(union(sets))}"
        yield Difference(
            what="l3",
            subject=f"CPUs {union(sets)}",
            old=one,
            new=two,
            label=label,
            predicate=turned(*sizes(one, two), "is"),
        )
