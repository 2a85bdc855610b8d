"""A domain on a host: who runs where and why, whose memory is where, what the domain tries to be, what fits where.

All precedence is held here, by libvirt's own as it was measured on running domains.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numalint.model.domain import Trait
from numalint.model.idset import IdSet
from numalint.model.placement import Placement
from numalint.model.resolved import Affinity, Intent, MemoryPolicy
from numalint.testing import read_domain, read_host

HOST = "pack:2 numa:1 core:4 pu:1"
"""Node 0 has the CPUs 0-3, node 1 has 4-7."""


def domain(pins: dict[str, str] | None = None, rest: str = "", vcpu: str = "<vcpu>2</vcpu>") -> str:
    """A domain of two vCPUs and one IOThread; ``pins`` are those of ``vcpu N``, ``emulator`` and ``iothread N``."""
    iothreads = "" if "<iothreads>" in rest else "<iothreads>1</iothreads>"
    written = "".join(pin(thread, cpus) for thread, cpus in (pins or {}).items())
    return f"<domain>{vcpu}{iothreads}<cputune>{written}</cputune>{rest}</domain>"


def pin(thread: str, cpus: str) -> str:
    kind, _, number = thread.partition(" ")
    return f"<{kind}pin {kind}='{number}' cpuset='{cpus}'/>" if number else f"<{kind}pin cpuset='{cpus}'/>"


def cells(*guest: tuple[str, int]) -> str:
    """Guest cells, each with its vCPUs and its GiB."""
    written = "".join(f"<cell id='{n}' cpus='{c}' memory='{m}' unit='GiB'/>" for n, (c, m) in enumerate(guest))
    return f"<cpu><numa>{written}</numa></cpu>"


def numatune(*elements: str) -> str:
    return f"<numatune>{''.join(f'<{element}/>' for element in elements)}</numatune>"


def place(text: str, host: str = HOST) -> Placement:
    return Placement(read_domain(text), read_host(host))


def said(affinity: Affinity) -> tuple[str | None, str]:
    return None if affinity.cpus is None else str(affinity.cpus), affinity.origin.value


def threads(placement: Placement) -> dict[str, tuple[str | None, str]]:
    return {
        **{f"vcpu {number}": said(affinity) for number, affinity in placement.vcpus.items()},
        "emulator": said(placement.emulator),
        **{f"iothread {number}": said(affinity) for number, affinity in placement.iothreads.items()},
    }


def own(thread: str, cpus: str) -> tuple[str, str]:
    return cpus, thread.partition(" ")[0] + "pin"


# --- who runs where -------------------------------------------------------------------------------------------------

THREADS = ("vcpu 0", "vcpu 1", "emulator", "iothread 1")
ALL = ("0-7", "default")
CPUSET = ("1-2", "vcpu-cpuset")
AUTO = (None, "placement-auto")


@pytest.mark.parametrize("others", [None, "7"], ids=["others-free", "others-pinned"])
@pytest.mark.parametrize("thread", THREADS)
@pytest.mark.parametrize(
    ("attributes", "inherited"),
    [
        ("", ALL),
        ("placement='static'", ALL),
        ("cpuset='1-2'", CPUSET),
        ("placement='static' cpuset='1-2'", CPUSET),
        ("placement='auto'", AUTO),
        ("placement='auto' cpuset='1-2'", AUTO),
    ],
)
def test_a_thread_obeys_its_own_pin_else_numad_else_the_cpuset_of_vcpu_else_runs_on_all_cpus(
    attributes: str, inherited: tuple[str | None, str], thread: str, others: str | None
) -> None:
    vcpu = f"<vcpu {attributes}>2</vcpu>"
    pins = {other: others for other in THREADS if others and other != thread}
    assert threads(place(domain(pins, vcpu=vcpu)))[thread] == inherited
    assert threads(place(domain({**pins, thread: "6"}, vcpu=vcpu)))[thread] == own(thread, "6")


RED_HAT = {f"vcpu {number}": str(number) for number in range(8) if number != 5}


@pytest.mark.parametrize(
    ("vcpu", "pins", "inherited"),
    [
        pytest.param("<vcpu>2</vcpu>", {"vcpu 0": "4", "vcpu 1": "5"}, ALL, id="vcpupins-do-not-confine-the-emulator"),
        pytest.param("<vcpu>2</vcpu>", {"emulator": "0"}, ALL, id="emulatorpin-is-not-inherited"),
        pytest.param("<vcpu cpuset='1-2'>2</vcpu>", {"emulator": "0"}, CPUSET, id="emulatorpin-beside-a-cpuset"),
        pytest.param("<vcpu>2</vcpu>", {"iothread 1": "0"}, ALL, id="iothreadpin-is-not-inherited"),
        pytest.param("<vcpu cpuset='0-7'>8</vcpu>", RED_HAT, ("0-7", "vcpu-cpuset"), id="red-hat-sample-but-vcpu-5"),
        pytest.param("<vcpu cpuset='1-2'>2</vcpu>", {"vcpu 0": "6", "emulator": "2-3"}, CPUSET, id="pins-are-not-cut"),
        pytest.param("<vcpu cpuset='9'>2</vcpu>", {"vcpu 0": "6-9"}, ("9", "vcpu-cpuset"), id="absent-cpus-are-kept"),
        pytest.param("<vcpu placement='auto'>2</vcpu>", {"vcpu 1": "6"}, AUTO, id="numad-places-what-is-not-pinned"),
        pytest.param("<vcpu current='1'>3</vcpu>", {"vcpu 2": "6"}, ALL, id="an-offline-vcpu-keeps-its-pin"),
    ],
)  # fmt: skip
def test_every_thread_of_a_domain_has_its_pin_or_what_it_inherits(
    vcpu: str, pins: dict[str, str], inherited: tuple[str | None, str]
) -> None:
    found = threads(place(domain(pins, vcpu=vcpu)))
    assert pins.keys() <= found.keys()
    assert found == {thread: own(thread, pins[thread]) if thread in pins else inherited for thread in found}


def test_the_pin_of_a_missing_vcpu_is_dropped() -> None:
    found = threads(place(domain({"vcpu 1": "6", "vcpu 2": "7"})))
    assert found == {"vcpu 0": ALL, "vcpu 1": ("6", "vcpupin"), "emulator": ALL, "iothread 1": ALL}


@pytest.mark.parametrize(
    ("pins", "attributes", "emulator"),
    [
        pytest.param({}, "", AUTO, id="nothing-pinned"),
        pytest.param({}, "placement='static'", AUTO, id="static-without-a-cpuset"),
        pytest.param({"vcpu 9": "6"}, "", AUTO, id="only-a-missing-vcpu-pinned"),
        pytest.param({}, "cpuset='1-2'", CPUSET, id="cpuset"),
        pytest.param({"vcpu 1": "6"}, "", ALL, id="vcpupin"),
        pytest.param({"emulator": "6"}, "", ("6", "emulatorpin"), id="emulatorpin"),
        pytest.param({"iothread 1": "6"}, "", ALL, id="iothreadpin"),
    ],
)
def test_automatic_memory_turns_the_threads_automatic_unless_one_of_them_is_pinned(
    pins: dict[str, str], attributes: str, emulator: tuple[str | None, str]
) -> None:
    rest = numatune("memory mode='strict' placement='auto'")
    found = place(domain(pins, rest, f"<vcpu {attributes}>2</vcpu>"))
    assert said(found.emulator) == emulator
    assert said(found.vcpus[0]) == (ALL if "emulator" in pins else emulator)
    assert (found.memory.nodes, found.memory.origin) == (None, "placement-auto")


def test_without_a_host_only_what_is_written_is_known() -> None:
    found = threads(place(domain({"vcpu 0": "6"}), ""))
    unknown = (None, "default")
    assert found == {"vcpu 0": ("6", "vcpupin"), "vcpu 1": unknown, "emulator": unknown, "iothread 1": unknown}
    assert threads(place(domain(vcpu="<vcpu cpuset='1-2'>1</vcpu>"), ""))["vcpu 0"] == CPUSET


def test_all_cpus_are_those_that_the_host_has_online() -> None:
    host = f"format = 1\nsynthetic = '{HOST}'\n[cpus]\noffline = '3,7'\nisolated = '6'\nhousekeeping = '0'"
    assert said(place(domain(), host).emulator) == ("0-2,4-6", "default")


def test_an_affinity_knows_the_pin_that_it_comes_from() -> None:
    found = place(domain({"vcpu 0": "6, 7"}, vcpu="<vcpu cpuset='2,1'>2</vcpu>"))
    affinities = (found.vcpus[0], found.vcpus[1], place(domain()).emulator)
    assert [each.explicit for each in affinities] == [True, False, False]
    assert [each.pin and each.pin.text for each in affinities] == ["6, 7", "2,1", None]


@pytest.mark.parametrize(
    ("vcpu", "online", "pinned", "cpus"),
    [
        ("<vcpu>3</vcpu>", [0, 1, 2], [0, 2], "0-7"),
        ("<vcpu cpuset='1'>3</vcpu>", [0, 1, 2], [0, 2], "1,4,6"),
        ("<vcpu current='2' cpuset='1'>3</vcpu>", [0, 1], [0], "1,4"),
        ("<vcpu>3</vcpu><vcpus><vcpu id='2' enabled='yes'/></vcpus>", [2], [2], "6"),
        ("<vcpu>3</vcpu><vcpus><vcpu id='0' enabled='yes'/><vcpu id='2' enabled='no'/></vcpus>", [0], [0], "4"),
        ("<vcpu placement='auto'>3</vcpu>", [0, 1, 2], [0, 2], None),
    ],
)  # fmt: skip
def test_what_the_vcpus_use_together_is_what_those_use_that_are_online(
    vcpu: str, online: list[int], pinned: list[int], cpus: str | None
) -> None:
    found = place(domain({"vcpu 0": "4", "vcpu 2": "6"}, vcpu=vcpu))
    assert (list(found.vcpus), list(found.online), list(found.pinned)) == ([0, 1, 2], online, pinned)
    assert (found.vcpu_cpus and str(found.vcpu_cpus)) == cpus


CPU_SETS = st.frozensets(st.integers(0, 11), min_size=1).map(lambda cpus: str(IdSet.of(cpus)))


@given(
    pins=st.dictionaries(st.sampled_from([*THREADS, "vcpu 2", "vcpu 3", "vcpu 9", "iothread 2"]), CPU_SETS),
    automatic=st.booleans(),
    cpuset=st.none() | CPU_SETS,
    host=st.sampled_from([HOST, ""]),
)
def test_whatever_is_pinned_the_precedence_holds_for_every_thread(
    pins: dict[str, str], automatic: bool, cpuset: str | None, host: str
) -> None:
    def expected(thread: str) -> tuple[str | None, str]:
        if thread in pins:
            return own(thread, pins[thread])
        if automatic:
            return AUTO
        return (cpuset, "vcpu-cpuset") if cpuset else ("0-7" if host else None, "default")

    attributes = ("placement='auto' " if automatic else "") + (f"cpuset='{cpuset}'" if cpuset else "")
    found = place(domain(pins, "<iothreads>2</iothreads>", f"<vcpu {attributes}>4</vcpu>"), host)
    every = [*(f"vcpu {number}" for number in range(4)), "emulator", "iothread 1", "iothread 2"]
    assert threads(found) == {thread: expected(thread) for thread in every}


# --- whose memory is where ------------------------------------------------------------------------------------------

TWO_CELLS = cells(("0", 1), ("1", 1))


def shown(policy: MemoryPolicy) -> str:
    return f"{policy.mode} {policy.nodes} {policy.origin}"


def memnode(cell: int, nodes: str, mode: str = "strict") -> str:
    return f"memnode cellid='{cell}' mode='{mode}' nodeset='{nodes}'"


def memory(nodes: str, mode: str = "strict") -> str:
    return f"memory mode='{mode}' nodeset='{nodes}'"


@pytest.mark.parametrize(
    ("elements", "policies", "nodes"),
    [
        pytest.param([], "None None none, None None none", None, id="nothing"),
        pytest.param([memory("0-1")], "strict 0-1 memory, strict 0-1 memory", "0-1", id="memory-for-every-cell"),
        pytest.param(["memory nodeset='0'"], "strict 0 memory, strict 0 memory", "0", id="strict-unless-written"),
        pytest.param([memory("9")], "strict 9 memory, strict 9 memory", "9", id="absent-nodes-are-kept"),
        pytest.param([memory("0"), memnode(1, "1")], "strict 0 memory, strict 1 memnode", "0-1", id="memnode-first"),
        pytest.param(
            [memory("0", "interleave"), memnode(0, "1", "preferred")],
            "preferred 1 memnode, interleave 0 memory", "0-1", id="each-with-its-mode",
        ),
        pytest.param([memnode(0, "0")], "strict 0 memnode, None None none", None, id="one-memnode-alone"),
        pytest.param([memnode(0, "1"), memnode(1, "1")], "strict 1 memnode, strict 1 memnode", "1", id="memnodes"),
        pytest.param(
            [memory("0", "restrictive"), memnode(1, "1", "restrictive")],
            "restrictive 0 memory, restrictive 1 memnode", "0-1", id="restrictive",
        ),
        pytest.param(
            ["memory mode='strict' placement='auto' nodeset='1'"],
            "strict None placement-auto, strict None placement-auto", None, id="automatic-drops-the-nodeset",
        ),
    ],
)  # fmt: skip
def test_the_memory_of_a_cell_is_bound_by_its_memnode_else_by_memory_else_is_free(
    elements: list[str], policies: str, nodes: str | None
) -> None:
    found = place(domain(rest=TWO_CELLS + numatune(*elements)))
    assert ", ".join(map(shown, found.memory_policies)) == policies
    assert [policy.free for policy in found.memory_policies] == [each.endswith("none") for each in policies.split(", ")]
    assert (found.memory_nodes and str(found.memory_nodes)) == nodes


@pytest.mark.parametrize(
    ("elements", "policy", "nodes"),
    [([], "None None none", "None"), ([memory("0-1", "interleave")], "interleave 0-1 memory", "0-1")],
    ids=["nothing", "memory"],
)
def test_without_cells_the_guest_has_one_policy(elements: list[str], policy: str, nodes: str) -> None:
    found = place(domain(rest=numatune(*elements)))
    assert ([shown(each) for each in found.memory_policies], str(found.memory_nodes)) == ([policy], nodes)


def test_vcpus_placed_by_numad_bring_strict_memory_placed_by_numad_unless_memory_is_bound() -> None:
    vcpu = "<vcpu placement='auto'>2</vcpu>"
    assert shown(place(domain(vcpu=vcpu)).memory) == "strict None placement-auto"
    assert shown(place(domain(rest=numatune(memory("1", "preferred")), vcpu=vcpu)).memory) == "preferred 1 memory"


M2, G1 = 2 << 20, 1 << 30


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param("", [None, None], id="the-default-size"),
        pytest.param("<page size='2' unit='MiB'/>", [M2, M2], id="one-size-for-all"),
        pytest.param("<page size='1048576' nodeset='1'/>", [None, G1], id="one-cell-alone"),
        pytest.param("<page size='2' unit='M' nodeset='0-1'/>", [M2, M2], id="one-page-names-both"),
        pytest.param("<page size='2' unit='M'/><page size='1' unit='G' nodeset='1'/>", [M2, G1], id="own-after-all"),
        pytest.param("<page size='1' unit='G' nodeset='0'/><page size='2' unit='M'/>", [G1, M2], id="own-before-all"),
        pytest.param("<page size='4'/>", [None, None], id="ordinary-pages"),
        pytest.param("<page size='4' nodeset='0'/><page size='1' unit='G'/>", [None, G1], id="ordinary-in-one-cell"),
    ],
)
def test_a_cell_has_the_pages_that_name_it_else_those_that_name_none(pages: str, expected: list[int | None]) -> None:
    found = place(domain(rest=f"{TWO_CELLS}<memoryBacking><hugepages>{pages}</hugepages></memoryBacking>"))
    assert [found.page_bytes_of(cell) for cell in found.domain.cells] == expected


@pytest.mark.parametrize(
    ("pages", "cells", "whole"),
    [
        ("<page size='2' unit='MiB'/>", [True, True], True),
        ("", [True, True], True),
        ("<page size='1048576' nodeset='1'/>", [False, True], True),
        ("<page size='4'/>", [False, False], False),
    ],
)
def test_memory_is_in_huge_pages_of_whatever_size_by_cell_or_as_a_whole(
    pages: str, cells: list[bool], whole: bool
) -> None:
    found = place(domain(rest=f"{TWO_CELLS}<memoryBacking><hugepages>{pages}</hugepages></memoryBacking>"))
    assert [found.in_huge_pages(cell) for cell in found.domain.cells] == cells
    assert found.in_huge_pages() is whole


# --- what the domain tries to be ------------------------------------------------------------------------------------

SMT = "pack:2 numa:1 core:4 pu:2"
"""Node 0 has the CPUs 0-7, node 1 has 8-15; 0 and 1 are one core."""

CORES_UNKNOWN = "format = 1\n[[nodes]]\nid = 0\ncpus = '0-11'\n[[nodes]]\nid = 1\ncpus = '12-23'"

FIFO = "<cputune><vcpusched vcpus='1' scheduler='fifo' priority='1'/></cputune>"


def both(cpus: str) -> dict[str, str]:
    return {"vcpu 0": cpus, "vcpu 1": cpus}


@pytest.mark.parametrize(
    ("host", "pins", "rest", "vcpu", "intent"),
    [
        pytest.param(SMT, {}, "", "", "floating", id="nothing-pinned"),
        pytest.param(SMT, {"emulator": "0"}, "", "", "floating", id="only-the-emulator-pinned"),
        pytest.param(SMT, {}, "", "placement='auto'", "floating", id="numad"),
        pytest.param(SMT, {}, "", "cpuset='4-11'", "floating", id="cpuset-over-two-nodes"),
        pytest.param(SMT, {}, "", "cpuset='8-15'", "node-bound", id="cpuset-inside-a-node"),
        pytest.param(SMT, both("0-7"), "", "", "node-bound", id="all-pinned-to-one-node"),
        pytest.param(SMT, both("1-2"), "", "", "node-bound", id="two-cpus-of-two-cores"),
        pytest.param(SMT, {"vcpu 0": "0-7", "vcpu 1": "8-15"}, "", "", "floating", id="a-node-each-without-cells"),
        pytest.param(SMT, {"vcpu 0": "0-7", "vcpu 1": "8-15"}, TWO_CELLS, "", "node-bound", id="a-node-for-each-cell"),
        pytest.param(SMT, {"vcpu 0": "0-7", "vcpu 1": "4-11"}, TWO_CELLS, "", "floating", id="a-cell-over-two-nodes"),
        pytest.param(SMT, {"vcpu 0": "0-7"}, "", "", "floating", id="one-vcpu-free"),
        pytest.param(SMT, {"vcpu 0": "0-7"}, "", "placement='auto'", "floating", id="one-vcpu-by-numad"),
        pytest.param("pack:1 numa:1 core:4 pu:1", {"vcpu 0": "0-3"}, "", "", "floating", id="one-vcpu-free-on-one-node"),
        pytest.param(SMT, {"vcpu 0": "0-7"}, "", "cpuset='4-7'", "node-bound", id="the-rest-in-the-same-node"),
        pytest.param(SMT, {"vcpu 0": "0-7"}, "", "cpuset='8-9'", "floating", id="the-rest-in-the-other-node"),
        pytest.param(SMT, {"vcpu 0": "3", "vcpu 1": "9"}, "", "", "dedicated", id="a-cpu-each"),
        pytest.param(SMT, both("0-1"), "", "", "dedicated", id="one-core-for-both"),
        pytest.param(SMT, {"vcpu 0": "3"}, "", "", "dedicated", id="every-one-that-is-pinned"),
        pytest.param(SMT, {"vcpu 0": "3"}, "", "placement='auto'", "dedicated", id="a-cpu-or-numad"),
        pytest.param(SMT, {"vcpu 0": "3", "vcpu 1": "4-7"}, "", "", "node-bound", id="only-one-has-a-cpu-of-its-own"),
        pytest.param(SMT, {"vcpu 1": "3"}, "", "current='1'", "floating", id="only-an-offline-vcpu-is-pinned"),
        pytest.param(SMT, {"vcpu 0": "3", "vcpu 1": "0-15"}, "", "current='1'", "dedicated", id="the-wide-one-offline"),
        pytest.param(SMT, both("0-7"), FIFO, "", "realtime", id="fifo"),
        pytest.param(SMT, {}, FIFO.replace("fifo", "rr"), "", "realtime", id="rr"),
        pytest.param(SMT, both("0-7"), FIFO.replace("fifo", "batch"), "", "node-bound", id="batch-is-not-realtime"),
        pytest.param(SMT, both("0-7"), FIFO, "current='1'", "node-bound", id="fifo-of-an-offline-vcpu"),
        pytest.param(CORES_UNKNOWN, {"vcpu 0": "0", "vcpu 1": "1"}, "", "", "dedicated", id="cores-unknown-a-cpu-each"),
        pytest.param(CORES_UNKNOWN, both("0-1"), "", "", None, id="cores-unknown-may-be-a-core"),
        pytest.param(CORES_UNKNOWN, both("0-8"), "", "", "node-bound", id="cores-unknown-larger-than-any-core"),
        pytest.param("", {}, "", "", "floating", id="no-host-nothing-pinned"),
        pytest.param("", both("0"), "", "", "dedicated", id="no-host-a-cpu-each"),
        pytest.param("", both("0"), FIFO, "", "realtime", id="no-host-fifo"),
        pytest.param("", both("0-1"), "", "", None, id="no-host-may-be-a-core-or-a-node"),
        pytest.param("", both("0-8"), "", "", None, id="no-host-may-be-a-node"),
        pytest.param("", {}, "", "cpuset='0-7'", None, id="no-host-cpuset"),
    ],
)  # fmt: skip
def test_a_domain_is_judged_by_what_it_tries_to_be(
    host: str, pins: dict[str, str], rest: str, vcpu: str, intent: str | None
) -> None:
    found = place(domain(pins, rest, f"<vcpu {vcpu}>2</vcpu>"), host)
    assert found.intent == intent
    assert found.dedicated is (intent in (Intent.DEDICATED, Intent.REALTIME))


# --- what fits where ------------------------------------------------------------------------------------------------


def room(node_0: str = "memory = '8 GiB'", node_1: str = "memory = '8 GiB'", more: str = "") -> str:
    """A host with the CPUs 0-3 on node 0 and 4-7 on node 1."""
    nodes = f"[[nodes]]\nid = 0\ncpus = '0-3'\n{node_0}\n[[nodes]]\nid = 1\ncpus = '4-7'\n{node_1}\n"
    return f"format = 1\n{more}\n{nodes}"


THIRD = "[[nodes]]\nid = 2\ncpus = '8-11'\nmemory = '64 GiB'"
RESERVED = "memory = '8 GiB'\nreserved_memory = '1 GiB'"


def guest(vcpus: int, gib: int | None, current: int | None = None) -> str:
    memory = "" if gib is None else f"<memory unit='GiB'>{gib}</memory>"
    return domain(rest=memory, vcpu=f"<vcpu current='{current or vcpus}'>{vcpus}</vcpu>")


SPARSE = "format = 1\n[[nodes]]\nid = 2\ncpus = '0-3'\nmemory = '8 GiB'\n[[nodes]]\nid = 8\nmemory = '64 GiB'"


@pytest.mark.parametrize(
    ("text", "host", "nodes"),
    [
        pytest.param(guest(4, 8), room(), "0-1", id="exactly-a-node"),
        pytest.param(guest(5, 8), room(), "", id="a-vcpu-too-many"),
        pytest.param(guest(4, 9), room(), "", id="a-gib-too-much"),
        pytest.param(guest(9, 8, current=4), room(), "0-1", id="only-online-vcpus-count"),
        pytest.param(guest(4, 8), room(more="cpus.housekeeping = '0'"), "1", id="housekeeping-cpus-are-subtracted"),
        pytest.param(guest(3, 8), room(more="cpus.housekeeping = '0,4'"), "0-1", id="what-housekeeping-leaves"),
        pytest.param(guest(4, 8), room(more="cpus.isolated = '1-3'"), "0-1", id="isolated-cpus-are-for-guests"),
        pytest.param(guest(4, 8), room(more="cpus.offline = '7'"), "0", id="offline-cpus-do-not-count"),
        pytest.param(guest(4, 8), room(RESERVED), "1", id="reserved-memory-is-subtracted"),
        pytest.param(guest(4, 900), room(node_0=""), "0", id="memory-of-node-0-unknown"),
        pytest.param(guest(5, 1), room(node_0="", node_1=""), "", id="memory-unknown-the-cpus-decide"),
        pytest.param(guest(4, None), room(), "0-1", id="memory-of-the-guest-not-written"),
        pytest.param(domain(rest=cells(("0", 5), ("1", 5))), room(), "", id="the-cells-memory-is-summed"),
        pytest.param(guest(1, 1), SPARSE, "2", id="a-memory-only-node-holds-no-guest"),
        pytest.param(guest(1, 1), "", "", id="no-host"),
    ],
)
def test_a_guest_fits_a_node_by_its_online_vcpus_and_its_memory(text: str, host: str, nodes: str) -> None:
    assert str(place(text, host).fitting_nodes) == nodes


@pytest.mark.parametrize(
    ("text", "host", "fits"),
    [
        pytest.param(guest(8, 16), room(), True, id="exactly-both"),
        pytest.param(guest(9, 1), room(), False, id="a-vcpu-too-many"),
        pytest.param(guest(1, 17), room(), False, id="a-gib-too-much"),
        pytest.param(guest(8, 900), room(node_1=""), True, id="memory-of-one-unknown"),
        pytest.param(guest(8, 16), room(more="cpus.reserved = '4'"), False, id="housekeeping-on-one"),
    ],
)
def test_a_guest_fits_several_nodes_by_what_they_have_together(text: str, host: str, fits: bool) -> None:
    found = place(text, host)
    assert found.fits(list(found.host.nodes)) is fits


def test_a_cell_fits_a_node_by_its_own_online_vcpus_and_memory() -> None:
    layout = cells(("0-3", 8), ("4-8", 1), ("9-13", 9))
    found = place(domain(rest=layout, vcpu="<vcpu current='10'>14</vcpu>"), room())
    assert [found.fits([found.host.nodes[0]], cell) for cell in found.domain.cells] == [True, False, False]


def pinned(vcpus: str, cpus: str) -> dict[str, str]:
    return {f"vcpu {vcpu}": cpus for vcpu in IdSet.parse(vcpus)}


def memnodes(*nodes: int) -> str:
    return numatune(*(memnode(cell, str(node)) for cell, node in enumerate(nodes)))


@pytest.mark.parametrize(
    ("layout", "pins", "tune", "host", "fit"),
    [
        pytest.param((), {}, "", room(), False, id="no-cells"),
        pytest.param((("0-1", 1),), {}, "", room(), False, id="one-cell"),
        pytest.param((("0-3", 8), ("4-7", 8)), {}, "", room(), True, id="a-full-node-each"),
        pytest.param((("0-1", 4), ("2-3", 4), ("4-5", 4), ("6-7", 4)), {}, "", room(), True, id="two-cells-a-node"),
        pytest.param((("0-2", 1), ("3-5", 1), ("6-8", 1)), {}, "", room(), False, id="no-room-for-the-third"),
        pytest.param((("0-4", 1), ("5", 1)), {}, "", room(), False, id="more-vcpus-than-a-node"),
        pytest.param((("0", 9), ("1", 1)), {}, "", room(), False, id="more-memory-than-a-node"),
        pytest.param((("0", 5), ("1", 5), ("2", 5)), {}, "", room(), False, id="no-memory-for-the-third"),
        pytest.param((("0", 90), ("1", 90)), {}, "", room("", ""), True, id="memory-unknown-the-cpus-decide"),
        pytest.param((("0-3", 1), ("4-7", 1)), {}, "", room(more="cpus.housekeeping = '4'"), False, id="housekeeping"),
        pytest.param((("0-3", 8), ("4-7", 8)), {}, "", room(RESERVED), False, id="reserved-memory"),
        pytest.param((("0-1", 1), ("2-3", 1)), pinned("0-1", "0-7"), "", room(), False, id="pinned-over-two-nodes"),
        pytest.param((("0-1", 1), ("2-3", 1)), pinned("0-3", "0-3"), "", room(), True, id="both-pinned-to-one-node"),
        pytest.param((("0-2", 1), ("3-5", 1)), pinned("0-5", "0-3"), "", room(), False, id="both-pinned-to-few-cpus"),
        pytest.param((("0-3", 8), ("4-7", 8)), {}, memnodes(1, 0), room(), True, id="bound-crosswise"),
        pytest.param((("0-2", 1), ("3-5", 1)), {}, memnodes(0, 0), room(), False, id="bound-to-one-node-of-few-cpus"),
        pytest.param((("0", 5), ("1", 5)), {}, memnodes(0, 0), room(), False, id="bound-to-one-node-of-little-memory"),
        pytest.param((("0-1", 1), ("2-3", 1)), pinned("0-1", "0-3"), memnodes(1, 1), room(), False, id="pinned-apart"),
        pytest.param((("0-3", 1), ("4-7", 1)), {}, numatune(memnode(1, "0")), room(), True, id="the-free-one-yields"),
        pytest.param((("0", 9), ("1", 9)), {}, numatune(memory("0-1")), room(more=THIRD), False, id="bound-to-two"),
        pytest.param((("0", 1), ("1", 1)), {}, "", "", False, id="no-host"),
    ],
)  # fmt: skip
def test_the_guests_cells_fit_where_each_finds_a_node_and_none_is_overfull(
    layout: tuple[tuple[str, int], ...], pins: dict[str, str], tune: str, host: str, fit: bool
) -> None:
    vcpus = sum(len(IdSet.parse(cpus)) for cpus, _ in layout) or 2
    rest = (cells(*layout) if layout else "") + tune
    assert place(domain(pins, rest, f"<vcpu>{vcpus}</vcpu>"), host).guest_nodes_fit is fit


KEPT = """format = 1
[topology]
sockets = 2
cores_per_node = 4
threads_per_core = 1
cpu_numbering = "threads-last"
memory_per_node = "8 GiB"
[cpus]
housekeeping = "0,4"
isolated = "1-3,5"
"""


@pytest.mark.parametrize(
    ("cpus", "unconfined", "confined"),
    [
        ("0-7", True, False),
        ("1-3,5-7", True, False),
        ("6-7", False, True),
        ("4,6-7", False, True),
        ("0-3", False, True),
    ],
)
def test_a_pool_that_leaves_out_a_node_is_not_the_whole_host(cpus: str, unconfined: bool, confined: bool) -> None:
    """Of what is neither kept nor isolated all is on node 1: to stay there is to be on a node."""
    placed = place(f"<domain><memory>1</memory><vcpu cpuset='{cpus}'>2</vcpu></domain>", KEPT)
    assert (placed.unconfined, placed.confined) == (unconfined, confined)


# --- what the host rules out ----------------------------------------------------------------------------------------

HOSTDEV = "<devices><hostdev type='pci'><source><address bus='0x{}'/></source></hostdev></devices>"
CARDS = room(node_0="pci = ['0000:01:00.0']", node_1="pci = ['0000:81:00.0']")
NEIGHBOURS = {"vcpu 0": "0", "vcpu 1": "1"}


@pytest.mark.parametrize(
    ("text", "several"),
    [
        pytest.param(domain({"vcpu 0": "0", "vcpu 1": "1"}), False, id="all-pinned-to-node-0"),
        pytest.param(domain({"vcpu 0": "0", "vcpu 1": "4"}), True, id="pinned-to-two-nodes"),
        pytest.param(domain({"vcpu 0": "0", "vcpu 1": "1", "emulator": "4"}), True, id="emulator-elsewhere"),
        pytest.param(domain({"vcpu 0": "0"}), True, id="one-vcpu-floats"),
        pytest.param(domain(NEIGHBOURS, numatune(memory("1"))), True, id="memory-elsewhere"),
        pytest.param(domain(NEIGHBOURS, numatune(memory("0"))), False, id="memory-there-too"),
        pytest.param(domain(NEIGHBOURS, vcpu="<vcpu placement='auto'>2</vcpu>"), True, id="numad-places-the-rest"),
        pytest.param(domain({"vcpu 0": "0", "vcpu 1": "1,9"}), True, id="a-cpu-that-the-host-lacks"),
        pytest.param(domain(NEIGHBOURS, HOSTDEV.format("01")), False, id="a-device-there-too"),
        pytest.param(domain(NEIGHBOURS, HOSTDEV.format("81")), True, id="a-device-elsewhere"),
        pytest.param(domain(NEIGHBOURS, HOSTDEV.format("99")), True, id="a-device-nobody-knows-where"),
    ],
)  # fmt: skip
def test_a_domain_that_is_all_on_one_node_has_not_the_trait_of_several(text: str, several: bool) -> None:
    assert bool(place(text, CARDS).traits & Trait.SEVERAL_NODES) is several


@pytest.mark.parametrize(
    ("rest", "ordinary"),
    [
        ("<memory>9</memory>", True),
        ("<memory>9</memory><memoryBacking><hugepages/></memoryBacking>", False),
        (TWO_CELLS + "<memoryBacking><hugepages><page size='2048' nodeset='1'/></hugepages></memoryBacking>", True),
        (TWO_CELLS + "<memoryBacking><hugepages><page size='2048'/></hugepages></memoryBacking>", False),
    ],
)
def test_a_domain_that_is_all_in_huge_pages_has_not_the_trait_of_ordinary_ones(rest: str, ordinary: bool) -> None:
    assert bool(place(domain(rest=rest)).traits & Trait.ORDINARY_PAGES) is ordinary


# --- where the guest is at home -------------------------------------------------------------------------------------

AUTO_MEMORY = "memory mode='strict' placement='auto'"


@pytest.mark.parametrize(
    ("pins", "rest", "vcpu", "homes"),
    [
        pytest.param({}, "", "", "", id="nothing-kept"),
        pytest.param({"vcpu 0": "4"}, "", "", "1", id="a-pin"),
        pytest.param({}, "", "cpuset='4-5'", "1", id="cpuset"),
        pytest.param({}, numatune(memory("1")), "", "1", id="memory"),
        pytest.param({"vcpu 0": "0"}, numatune(memory("1")), "", "0-1", id="a-pin-and-memory"),
        pytest.param({"vcpu 0": "0"}, numatune(memory("1")), "cpuset='4'", "0-1", id="a-pin-overrules-cpuset"),
        pytest.param({}, numatune(memory("1")), "placement='auto'", "1", id="vcpus-by-numad-memory-bound"),
        pytest.param({"vcpu 0": "0"}, numatune(AUTO_MEMORY), "", "", id="memory-by-numad"),
        pytest.param({"vcpu 0": "0"}, TWO_CELLS + numatune(AUTO_MEMORY, memnode(0, "0")), "", "", id="some-by-numad"),
        pytest.param({"vcpu 0": "0-7", "vcpu 1": "0-7"}, numatune(memory("1")), "", "1", id="pins-to-everything"),
    ],
)  # fmt: skip
def test_the_homes_of_a_guest_are_the_nodes_that_it_is_kept_on(
    pins: dict[str, str], rest: str, vcpu: str, homes: str
) -> None:
    assert str(place(domain(pins, rest, f"<vcpu {vcpu}>2</vcpu>")).home_nodes) == homes


def cpus(housekeeping: str = "", isolated: str = "", synthetic: str = HOST) -> str:
    lists = f"housekeeping = '{housekeeping}'\nisolated = '{isolated}'"
    return f"format = 1\nsynthetic = '{synthetic}'\n[cpus]\n{lists}"


@pytest.mark.parametrize(
    ("pins", "rest", "host", "aside"),
    [
        pytest.param({"vcpu 0": "0"}, "", cpus(), "1", id="the-first-free-one"),
        pytest.param({"vcpu 0": "0", "vcpu 1": "1"}, "", cpus("2-3,7"), "2-3", id="housekeeping-of-the-node"),
        pytest.param({"vcpu 0": "4"}, numatune(memory("0")), cpus("4"), "0", id="on-the-node-of-the-memory-too"),
        pytest.param({}, numatune(memory("1")), cpus(), "4", id="on-the-node-of-the-memory"),
        pytest.param({"vcpu 0": "0"}, "", cpus(isolated="0-2"), "3", id="not-an-isolated-one"),
        pytest.param({"vcpu 0": "0"}, "", cpus(isolated="0-3"), "1", id="isolated-where-all-are"),
        pytest.param({"vcpu 0": "0-3"}, "", cpus(), "", id="none-is-free"),
        pytest.param({"vcpu 0": "1"}, "", cpus(synthetic=SMT), "2-3", id="a-whole-core"),
        pytest.param({"vcpu 0": "1"}, "", cpus(isolated="2-7", synthetic=SMT), "0", id="a-thread-where-no-core-is"),
        pytest.param({"vcpu 0": "0-2,4-7", "vcpu 1": "0-7"}, "", cpus("3", synthetic=HOST), "", id="kept-cpu-taken"),
    ],
)  # fmt: skip
def test_cpus_for_the_emulator_are_those_of_the_host_else_a_core_that_no_vcpu_has(
    pins: dict[str, str], rest: str, host: str, aside: str
) -> None:
    assert str(place(domain(pins, rest), host).aside_cpus) == aside


@pytest.mark.parametrize(
    ("pins", "host", "spare"),
    [
        ({"vcpu 0": "0", "vcpu 1": "1"}, cpus(), "2-3"),
        ({"vcpu 0": "0", "vcpu 1": "4"}, cpus(), "1-3,5-7"),
        ({"vcpu 0": "0", "emulator": "1", "iothread 1": "2"}, cpus(), "3"),
        ({"vcpu 0": "0"}, cpus("1,4"), "2-3"),
        ({}, cpus(), ""),
    ],
)
def test_spare_cpus_are_those_of_the_pins_nodes_that_nobody_has(pins: dict[str, str], host: str, spare: str) -> None:
    assert str(place(domain(pins), host).spare_cpus) == spare


@pytest.mark.parametrize(
    ("pins", "vcpu", "unconfined", "confined", "nodes"),
    [
        ({}, "", True, False, "0-1"),
        ({}, "cpuset='0-7'", True, False, "0-1"),
        ({}, "cpuset='2-5'", False, False, "0-1"),
        ({}, "cpuset='0-1'", False, True, "0"),
        ({"vcpu 0": "0-7", "vcpu 1": "0-7"}, "cpuset='0-3'", True, False, "0-1"),
        ({"vcpu 0": "0-7"}, "cpuset='0-3'", False, True, "0-1"),
        ({"vcpu 0": "0"}, "", False, True, "0-1"),
        ({}, "placement='auto'", False, False, "None"),
    ],
)
def test_vcpus_are_confined_by_pins_or_by_a_cpuset_inside_a_node(
    pins: dict[str, str], vcpu: str, unconfined: bool, confined: bool, nodes: str
) -> None:
    found = place(domain(pins, vcpu=f"<vcpu {vcpu}>2</vcpu>"))
    assert (found.unconfined, found.confined, str(found.vcpu_nodes)) == (unconfined, confined, nodes)


LOCKED = "<memoryBacking><locked/></memoryBacking>"


@pytest.mark.parametrize(
    ("pins", "rest", "vcpu", "elsewhere"),
    [
        pytest.param({"vcpu 0": "0", "emulator": "4"}, LOCKED, "", True, id="pins-on-0-emulator-on-1"),
        pytest.param({"vcpu 0": "0", "emulator": "4"}, "", "", False, id="nothing-is-touched-at-start"),
        pytest.param({"vcpu 0": "0", "emulator": "1"}, LOCKED, "", False, id="the-same-node"),
        pytest.param({"vcpu 0": "0"}, LOCKED, "", True, id="emulator-anywhere"),
        pytest.param({"vcpu 0": "0", "vcpu 1": "4"}, LOCKED, "", False, id="both-on-both"),
        pytest.param({}, LOCKED, "", True, id="floating-over-two-nodes"),
        pytest.param({}, LOCKED, "cpuset='0-3'", False, id="cpuset-of-one-node"),
        pytest.param({"emulator": "4"}, LOCKED, "cpuset='0-3'", True, id="cpuset-on-0-emulator-on-1"),
        pytest.param({}, LOCKED, "placement='auto'", False, id="numad"),
        pytest.param({"vcpu 0": "0", "emulator": "9"}, LOCKED, "", False, id="emulator-nowhere"),
        pytest.param({"vcpu 0": "9", "emulator": "0"}, LOCKED, "", False, id="vcpus-nowhere"),
    ],
)
def test_memory_is_touched_elsewhere_where_the_emulator_runs_on_other_nodes(
    pins: dict[str, str], rest: str, vcpu: str, elsewhere: bool
) -> None:
    assert place(domain(pins, rest, f"<vcpu {vcpu}>2</vcpu>")).touched_elsewhere is elsewhere


@pytest.mark.parametrize(
    ("pins", "rest", "beside"),
    [
        pytest.param({}, "", [True, True], id="kept-nowhere"),
        pytest.param({"vcpu 0": "0", "vcpu 1": "0"}, "", [True, False], id="vcpus-on-0"),
        pytest.param({}, numatune(memory("1")), [False, True], id="memory-on-1"),
        pytest.param({"vcpu 0": "0", "vcpu 1": "0"}, numatune(memory("1")), [False, False], id="apart"),
        pytest.param({"vcpu 0": "0", "vcpu 1": "4"}, numatune(memory("0-1")), [True, True], id="both-on-both"),
    ],
)
def test_a_guest_is_beside_a_node_where_vcpus_and_memory_are(pins: dict, rest: str, beside: list[bool]) -> None:
    found = place(domain(pins, rest))
    assert [found.beside(IdSet.of([node])) for node in (0, 1)] == beside


def test_a_guest_that_floats_is_beside_a_node_without_cpus_too() -> None:
    floating, kept = place(domain(), SPARSE), place(domain(rest=numatune(memory("2"))), SPARSE)
    assert [found.beside(IdSet.of([8])) for found in (floating, kept)] == [True, False]


# --- parts of memory ------------------------------------------------------------------------------------------------


def dimm(gib: int, cell: int, source: str = "", model: str = "dimm") -> str:
    target = f"<target><size unit='GiB'>{gib}</size><node>{cell}</node></target>"
    return f"<memory model='{model}'><source>{source}</source>{target}</memory>"


@pytest.mark.parametrize(
    ("device", "part"),
    [
        pytest.param(dimm(2, 1), "2 GiB strict 1 memnode, huge True 2048", id="as-its-cell"),
        pytest.param(dimm(2, 0), "2 GiB preferred 0 memory, huge False None", id="as-the-whole-guest"),
        pytest.param(dimm(2, 1, "<nodemask>0</nodemask>"), "2 GiB strict 0 memory, huge True 2048", id="own-nodes"),
        pytest.param(dimm(2, 0, "<nodemask>1</nodemask>"), "2 GiB preferred 1 memory, huge False None", id="own-nodes-0"),
        pytest.param(dimm(2, 1, "<pagesize>4</pagesize>"), "2 GiB strict 1 memnode, huge False None", id="own-pages"),
        pytest.param(dimm(2, 0, "<pagesize unit='GiB'>1</pagesize>"), "2 GiB preferred 0 memory, huge True 1048576", id="own-huge-pages"),
        pytest.param(dimm(2, 1, model="virtio-mem"), None, id="virtio-mem-is-filled-later"),
        pytest.param(dimm(2, 1, model="nvdimm"), None, id="nvdimm-is-a-file"),
    ],
)  # fmt: skip
def test_a_dimm_is_memory_with_a_policy_and_pages_of_its_own_or_those_of_its_cell(
    device: str, part: str | None
) -> None:
    pages = "<memoryBacking><hugepages><page size='2048' nodeset='1'/></hugepages></memoryBacking>"
    tune = numatune(memory("0", "preferred"), memnode(1, "1"))
    found = place(domain(rest=f"{TWO_CELLS}{tune}{pages}<devices>{device}</devices>")).memory_parts
    assert [each.size_bytes >> 30 for each in found[:2]] == [1, 1]
    told = [
        f"{each.size_bytes >> 30} GiB {shown(each.policy)}, huge {each.huge} {each.page_bytes and each.page_bytes >> 10}"
        for each in found[2:]
    ]
    assert told == ([part] if part else [])
    assert all(each.cell is None for each in found[2:])


def test_a_dimm_with_nodes_in_a_guest_that_is_free_is_strict() -> None:
    device = f"<devices>{dimm(1, 0, '<nodemask>1</nodemask>')}</devices>"
    assert shown(place(domain(rest=TWO_CELLS + device)).memory_parts[2].policy) == "strict 1 memory"


@pytest.mark.parametrize(
    ("rest", "bound"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(numatune(memory("0")), [("0", [], "0-1")], id="memory"),
        pytest.param(TWO_CELLS + numatune(memory("0")), [("0", [0, 1], "0-1")], id="memory-of-both-cells"),
        pytest.param(TWO_CELLS + numatune(memory("0"), memnode(1, "1")), [("0", [0], "0"), ("1", [1], "1")], id="of-one"),
        pytest.param(TWO_CELLS + numatune(memory("0"), memnode(0, "1"), memnode(1, "1")), [("1", [0], "0"), ("1", [1], "1")], id="of-none"),
        pytest.param(numatune(AUTO_MEMORY), [], id="numad"),
    ],
)  # fmt: skip
def test_what_binds_memory_to_nodes_binds_these_cells_and_these_vcpus(rest: str, bound: list) -> None:
    found = place(domain(rest=rest)).bound
    assert [(str(each.nodes), [cell.id for cell in each.cells], str(each.vcpus)) for each in found] == bound


# --- more of what fits ----------------------------------------------------------------------------------------------


def test_the_fewest_nodes_are_as_few_as_will_hold_the_guest_and_its_own_where_there_is_a_choice() -> None:
    def fewest(text: str, host: str) -> list[int]:
        return [node.id for node in place(text, host).fewest_nodes]

    three = "pack:3 numa:1(memory=8GiB) core:4 pu:1"
    assert fewest(guest(4, 8), three) == [0]
    assert fewest(domain({"vcpu 0": "4", "vcpu 1": "5"}), three) == [1]
    assert sorted(fewest(domain({"vcpu 0": "8", "vcpu 1": "9"}, "<memory unit='GiB'>9</memory>"), three)) == [0, 2]
    assert len(fewest(guest(5, 8), three)) == 2
    assert fewest(guest(13, 8), three) == []


@pytest.mark.parametrize(
    ("layout", "pins", "vcpu", "fit"),
    [
        pytest.param([("0-1", 3), ("2-3", 3), ("4", 5), ("5", 5)], {}, "", True, id="each-in-the-emptiest-node"),
        pytest.param([("0-1", 4), ("2-3", 4), ("4", 8)], {}, "", True, id="each-in-the-fullest-node"),
        pytest.param([("0-5", 1), ("6", 1)], {}, "current='4'", False, id="one-cell-of-two-runs"),
        pytest.param([("0-2", 1), ("3-5", 1)], {}, "cpuset='0-3'", False, id="a-cpuset-of-one-node"),
        pytest.param([("0-1", 1), ("2-3", 1)], {}, "cpuset='0-3'", True, id="a-cpuset-of-one-node-is-enough"),
        pytest.param([("0-1", 1), ("2-3", 1)], {"vcpu 0": "0"}, "", True, id="a-vcpu-without-a-pin-goes-along"),
    ],
)
def test_the_guests_cells_are_packed_either_way(
    layout: list[tuple[str, int]], pins: dict[str, str], vcpu: str, fit: bool
) -> None:
    vcpus = sum(len(IdSet.parse(each)) for each, _ in layout)
    assert place(domain(pins, cells(*layout), f"<vcpu {vcpu}>{vcpus}</vcpu>"), room()).guest_nodes_fit is fit


@pytest.mark.parametrize(
    ("layout", "tune", "pins", "crowded"),
    [
        pytest.param([("0-3", 1), ("4-5", 1)], memnodes(0, 1), {}, {}, id="room-for-all"),
        pytest.param([("0-4", 1), ("5", 1)], memnodes(0, 1), {}, {0: 4}, id="one-too-many"),
        pytest.param([("0-4", 1), ("5", 1)], "", {}, {}, id="bound-to-nothing"),
        pytest.param([("0-4", 1), ("5", 1)], memnodes(9, 1), {}, {}, id="bound-to-a-node-that-is-not-there"),
        pytest.param([("0-4", 1), ("5", 1)], numatune(memnode(0, "0")), {}, {0: 4}, id="the-other-is-free"),
        pytest.param([("0-4", 1), ("5", 1)], memnodes(0, 1), {"vcpu 0": "4"}, {}, id="kept-elsewhere"),
        pytest.param([("0-4", 1), ("5", 1)], memnodes(0, 1), {"vcpu 0": "0"}, {0: 4}, id="kept-there"),
        pytest.param([("0-5", 1)], memnodes(0), {}, {}, id="one-cell"),
    ],
)
def test_a_cell_is_crowded_where_the_nodes_of_its_memory_have_fewer_cpus(
    layout: list[tuple[str, int]], tune: str, pins: dict[str, str], crowded: dict[int, int]
) -> None:
    found = place(domain(pins, cells(*layout) + tune, "<vcpu>6</vcpu>"), room())
    assert found.crowded_cells == crowded


CACHES = "pack:1 numa:2(memory=8GiB) l3:2 core:2 pu:1"
"""Four L3 caches of two cores: CPUs 0-1, 2-3 on node 0, 4-5, 6-7 on node 1."""


@pytest.mark.parametrize(
    ("pins", "caches"),
    [
        (["0"], ["0-1"]),
        (["2", "3"], ["2-3"]),
        (["0", "2"], ["0-1"]),
        (["1", "2", "3"], ["2-3", "0-1"]),
        (["0", "4"], ["0-1", "4-5"]),
        ([], []),
    ],
)
def test_pins_need_as_many_l3_caches_as_hold_their_cores(pins: list[str], caches: list[str]) -> None:
    vcpus = {f"vcpu {number}": cpu for number, cpu in enumerate(pins)}
    found = place(domain(vcpus, vcpu=f"<vcpu>{len(pins) or 1}</vcpu>"), CACHES)
    assert sorted(str(cache.cpus) for cache in found.enough_l3) == sorted(caches)


def test_a_vcpu_on_a_cpu_that_the_host_lacks_is_dedicated_beside_one_on_a_core() -> None:
    assert place(domain({"vcpu 0": "99", "vcpu 1": "0-1"}), SMT).intent is Intent.DEDICATED


# --- threads and their CPUs, more of it -----------------------------------------------------------------------------


def test_the_sets_that_are_written_are_those_of_threads_and_whether_one_runs_on_them() -> None:
    pins = {"vcpu 0": "0", "vcpu 2": "2", "emulator": "3", "iothread 1": "4", "iothread 7": "5"}
    found = place(domain(pins, vcpu="<vcpu current='2' cpuset='6'>3</vcpu>"))
    assert [(str(each.pin.cpus), each.whose, each.at_start) for each in found.written_sets] == [
        ("0", "the set of vCPU 0", True),
        ("2", "the set of vCPU 2", False),
        ("3", "the set of the emulator", True),
        ("4", "the set of IOThread 1", True),
        ("5", "the set of IOThread 7", False),
        ("6", "<vcpu cpuset>", True),
    ]


def test_a_cpuset_that_no_thread_inherits_is_for_none_at_start() -> None:
    every = {"vcpu 0": "0", "vcpu 1": "0", "emulator": "0", "iothread 1": "0"}
    for left_out in every:
        pins = {thread: cpus for thread, cpus in every.items() if thread != left_out}
        assert place(domain(pins, vcpu="<vcpu cpuset='6'>2</vcpu>")).written_sets[-1].at_start
    assert not place(domain(every, vcpu="<vcpu cpuset='6'>2</vcpu>")).written_sets[-1].at_start


@pytest.mark.parametrize(
    ("pins", "vcpu", "held"),
    [
        ({"vcpu 0": "0"}, "", {0: "0"}),
        ({"vcpu 0": "0", "vcpu 1": "4"}, "", {0: "0", 1: "1"}),
        ({"vcpu 0": "0"}, "cpuset='4'", {0: "0"}),
        ({}, "cpuset='4'", {0: "1", 1: "1"}),
        ({"vcpu 0": "9"}, "", {}),
        ({}, "", {}),
        ({"vcpu 0": "0-7", "vcpu 1": "0-7"}, "", {}),
    ],
)
def test_vcpus_are_held_by_their_pins_or_where_none_has_one_by_the_cpuset(pins: dict, vcpu: str, held: dict) -> None:
    found = place(domain(pins, vcpu=f"<vcpu {vcpu}>2</vcpu>"), room()).held
    assert {vcpu: str(nodes) for vcpu, nodes in found.items()} == held


def test_a_vcpu_keeps_to_a_core_where_its_pin_is_inside_one() -> None:
    pins = {"vcpu 0": "0", "vcpu 1": "2-3", "vcpu 2": "4,6", "vcpu 3": "99"}
    found = place(domain(pins, vcpu="<vcpu>5</vcpu>"), SMT).vcpu_cores
    assert {vcpu: str(core) for vcpu, core in found.items()} == {0: "0-1", 1: "2-3"}


def test_a_realtime_vcpu_holds_the_one_cpu_of_its_pin() -> None:
    fifo = FIFO.replace("vcpus='1'", "vcpus='0-3'")
    found = place(domain({"vcpu 0": "2", "vcpu 1": "4-5"}, fifo, "<vcpu current='3'>4</vcpu>"))
    assert (list(found.realtime), str(found.realtime_cpus)) == ([0, 1, 2], "2")


@pytest.mark.parametrize(
    ("pins", "groups"),
    [
        (["0", "1", "2"], []),
        (["0", "0"], [("0-1", "0")]),
        (["0-1", "0-1"], []),
        (["0-1", "0-1", "0-1"], [("0-2", "0-1")]),
        (["0", "0-1", "1"], [("0-2", "0-1")]),
        (["0", "0-1", "1-2"], []),
        (["0", "0", "4", "4"], [("0-1", "0"), ("2-3", "4")]),
    ],
)
def test_pins_are_overbooked_where_vcpus_have_fewer_cpus_than_they_are(pins: list[str], groups: list) -> None:
    vcpus = {f"vcpu {number}": cpus for number, cpus in enumerate(pins)}
    found = place(domain(vcpus, vcpu=f"<vcpu>{len(pins) + 1}</vcpu>")).overbooked_pins
    assert sorted((str(members), str(cpus)) for members, cpus in found) == groups


def test_an_iothread_is_used_where_a_device_names_it() -> None:
    disk = "<devices><disk><driver iothread='2'/><target dev='vda'/></disk></devices>"
    found = place(domain({"iothread 2": "3"}, "<iothreads>3</iothreads>" + disk))
    assert {thread: said(affinity) for thread, affinity in found.used_iothreads.items()} == {2: ("3", "iothreadpin")}


def test_the_distance_to_a_node_is_that_from_the_nearest_and_unknown_where_one_is() -> None:
    rows = ("[10, 21, 12]", "[21, 10, 16]", "[12, 16, 10]")
    nodes = [f"[[nodes]]\nid = {n}\ncpus = '{n}'\ndistances = {row}\n" for n, row in enumerate(rows)]
    found = place(domain(), "format = 1\n" + "".join(nodes))
    pairs = [([1, 2], 0), ([1], 0), ([0, 1], 1), ([], 0)]
    assert [found.distance_to(to, IdSet.of(start)) for start, to in pairs] == [12, 21, 10, None]
    unknown = place(domain(), room())
    assert [unknown.distance_to(0, IdSet.of(start)) for start in ([1], [0, 1], [0])] == [None, None, 10]


def test_the_cpus_of_some_vcpus_are_those_of_their_pins_and_of_what_the_others_inherit() -> None:
    found = place(domain({"vcpu 0": "4", "vcpu 1": "5"}, vcpu="<vcpu cpuset='1'>3</vcpu>"))
    numad = place(domain({"vcpu 0": "4"}, vcpu="<vcpu placement='auto'>3</vcpu>"))
    asked = [IdSet.of(vcpus) for vcpus in ([0], [0, 1], [0, 2], [2], [7], [])]
    assert [str(found.cpus_of(vcpus)) for vcpus in asked] == ["4", "4-5", "1,4", "1", "", ""]
    assert [numad.cpus_of(vcpus) and str(numad.cpus_of(vcpus)) for vcpus in asked[:3]] == ["4", None, None]
