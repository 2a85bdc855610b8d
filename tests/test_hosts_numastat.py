import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import numastat
from numalint.loaders.host.merge import merge
from numalint.model.host import Fact, Host, Node
from numalint.model.idset import IdSet

AGAIN = "give the whole output of numastat -m, or better that of numactl --hardware"


def load(text: str | bytes) -> Host:
    data = text.encode() if isinstance(text, str) else text
    return numastat.load(Document("hosts/kvm01.txt", data), pytest.fail)


def refused(text: str) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(text)
    return caught.value


def memory(host: Host) -> dict[int, int]:
    return {node.id: node.memory_bytes for node in host.nodes}


WIDE = """

Per-node system memory usage (in MBs):
Token FileHugePages not in hash table.
                          Node 0          Node 8           Total
                 --------------- --------------- ---------------
MemTotal                 8189.90        16384.00        24573.90
MemFree                  4096.00         8192.00        12288.00
HugePages_Total          2048.00            0.00         2048.00
HugePages_Free           1024.00            0.00         1024.00
"""

NARROW = """
Per-node system memory usage (in MBs):
                 Node 0 Node 1 Total
                 ------ ------ -----
MemTotal           8190  16384 24574
"""

FOLDED = """
Per-node system memory usage (in MBs):
                          Node 0          Node 1
                 --------------- ---------------
MemTotal                 1024.00         2048.00
MemFree                     0.00            0.00

                          Node 4
                 ---------------
MemTotal                  512.50
MemFree                     0.00

                           Total
                 ---------------
MemTotal                 3584.50
MemFree                     0.00
"""

PROCESSES = """
Per-node process memory usage (in MBs)
PID              Node 0 Node 1 Total
---------------  ------ ------ -----
3512 (qemu-kvm)    7803     12  7815
70718 (qemu-syst   2847   8532 11379
---------------  ------ ------ -----
Total             10650   8544 19194
"""

ONE_PROCESS = """
Per-node process memory usage (in MBs) for PID 7052 (qemu-kvm)
         Node 0 Node 1 Total
         ------ ------ -----
Huge          0      0     0
Private    2846   8532 11378
-------  ------ ------ -----
Total      2847   8532 11379
"""


def test_memory_of_the_nodes_and_nothing_else():
    host = load(WIDE)
    assert host.name == "kvm01"
    assert memory(host) == {0: 8189 * (1 << 20) + 90 * (1 << 20) // 100, 8: 16384 << 20}
    assert host.unknown == set(Fact) - {Fact.MEMORY}
    assert all(node.cpus is None for node in host.nodes)
    assert host.cpus is None


def test_huge_pages_are_sizes_of_pages_of_unknown_size_and_no_counts():
    assert all(node.hugepages is None for node in load(WIDE).nodes)


def test_whole_numbers_and_narrow_columns():
    assert memory(load(NARROW)) == {0: 8190 << 20, 1: 16384 << 20}
    assert load(NARROW.replace("\n", "\r\n")) == load(NARROW)
    assert load(b"\xff\n" + NARROW.encode()) == load(NARROW)


def test_sections_of_a_table_folded_to_the_terminal():
    assert memory(load(FOLDED)) == {0: 1024 << 20, 1: 2048 << 20, 4: (512 << 20) + (1 << 19)}


def test_node_whose_column_was_left_out_is_not_stated():
    described = Host(
        name="kvm01",
        sources=("numactl.txt",),
        nodes=tuple(Node(number, IdSet.of([number]), distances={}) for number in (0, 1, 2)),
    )
    host, warnings = merge([(20, described), (5, load(NARROW))])
    assert [node.memory_bytes for node in host.nodes] == [8190 << 20, 16384 << 20, None]
    assert warnings == ()


@pytest.mark.parametrize(("text", "line"), [(PROCESSES, 2), (ONE_PROCESS, 2), ("\n" + PROCESSES + ONE_PROCESS, 3)])
def test_a_table_of_processes_is_refused(text, line):
    error = refused(text)
    assert error.message == (
        "this is numastat's table of processes: it says where their memory is, and nothing of the host"
    )
    assert error.line == line
    assert error.help == ("give the output of numastat -m without a process, or better that of numactl --hardware")


def test_beside_a_table_of_processes_that_of_the_system_is_read():
    statistics = "\nPer-node numastat info (in MBs):\n      Node 0 Node 1 Total\nMemTotal 1 2 3\n"
    assert load(PROCESSES + NARROW + ONE_PROCESS + statistics) == load(NARROW)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "this numastat output has no row MemTotal with nodes above it", None),
        (NARROW.replace("MemTotal", "MemFree"), "this numastat output has no row MemTotal with nodes above it", None),
        (FOLDED[-110:], "this numastat output has no row MemTotal with nodes above it", None),
        (NARROW.replace("16384 ", ""), "2 values of MemTotal under 3 columns", 5),
        (NARROW.replace("Node 0", ""), "3 values of MemTotal under 2 columns", 5),
        (NARROW.replace("Node 1", "Node 0"), "node 0 has two columns", 5),
        (NARROW + NARROW, "node 0 has two columns", 10),
        (NARROW.replace("Node 1", "Node 4096"), "the number of a node is '4096', not a number from 0 to 1023", 3),
        (NARROW.replace("8190", "8,19"), "MemTotal of node 0 is '8,19', not a size in MBs", 5),
        (NARROW.replace("8190", "-1"), "MemTotal of node 0 is '-1', not a size in MBs", 5),
        (NARROW.replace("8190", "9" * 14), f"MemTotal of node 0 is '{'9' * 14}', not a size in MBs", 5),
        (NARROW.replace("8190", "9" * 99), f"MemTotal of node 0 is '{'9' * 40}...', not a size in MBs", 5),
    ],
)
def test_errors_say_what_and_where(text, message, line):
    error = refused(text)
    assert error.message == message
    assert error.path == "hosts/kvm01.txt"
    assert error.line == line


def test_errors_say_what_to_do():
    assert refused("").help == AGAIN
    assert refused(NARROW + NARROW).help == "give one output of numastat -m"


def host_or_refused(text: str) -> None:
    try:
        host = load(text)
    except LoadError:
        return
    assert host.nodes
    assert all(node.memory_bytes >= 0 for node in host.nodes)


LINES = st.sampled_from(
    [*WIDE.splitlines(), *FOLDED.splitlines(), *PROCESSES.splitlines(), "Total", "Node", "Node 1 2"]
)


@given(st.lists(LINES | st.text(max_size=30), max_size=20))
def test_whatever_lines_are_a_host_or_refused(lines):
    host_or_refused("\n".join(["Per-node system memory usage (in MBs):", *lines]))


@given(st.text(max_size=60))
def test_whatever_values_are_a_host_or_refused(text):
    host_or_refused(f"Per-node system memory usage (in MBs):\n Node 0\nMemTotal {text}")


def test_hostile_lines_take_little_time():
    lines = ["Node 1" + " " * 100_000 + "x", "Node 1" * 50_000 + "x", "Node" + " " * 100_000, " " * 100_000 + "x"]
    started = time.perf_counter()
    for line in [*lines, "Node " + "1" * 100_000 + " x", "MemTotal " + "1 " * 100_000]:
        host_or_refused(f"Per-node system memory usage (in MBs):\n{line}\n")
    assert time.perf_counter() - started < 2
