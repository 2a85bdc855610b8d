import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import lscpu, numactl
from numalint.loaders.host.merge import merge
from numalint.model.host import Fact, Host

AGAIN = "give the whole output of numactl --hardware"


def load(text: str | bytes) -> Host:
    data = text.encode() if isinstance(text, str) else text
    return numactl.load(Document("hosts/kvm01.txt", data), pytest.fail)


def refused(text: str) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(text)
    return caught.value


def nodes(host: Host) -> list[tuple[int, str | None, int | None]]:
    """Each node's id, its CPUs and its memory in MiB."""
    return [
        (
            node.id,
            None if node.cpus is None else str(node.cpus),
            None if node.memory_bytes is None else node.memory_bytes >> 20,
        )
        for node in host.nodes
    ]


SPARSE = """\
available: 4 nodes (0,8,250-251)
node 0 cpus: 0 2 4 6
node 0 size: 8189 MB
node 0 free: 7918 MB
node 8 cpus: 1 3 5 7
node 8 size: 0 MB
node 8 free: 0 MB
node 250 cpus:
node 250 size: 15360 MB
node 250 free: 15360 MB
node 251 cpus:
node 251 size: <not available>
node 251 free: <not available>
node distances:
node   0   8 250 251 
  0:  10  21  17  28 
  8:  20  10  28  17 
250:  17  28  10   0 
251:  28  17  28  10 
"""  # noqa: W291  # numactl ends the rows of its table in a blank

COMPRESSED = """\
available: 3 nodes (0-2)
node 0 cpus: 0-7, 16-23 (16)
node 0 size: 96000 MB
node 1 cpus: 8-15, 24, 26 (10)
node 1 size: 96000 MB
node 2 cpus: (0)
node 2 size: 512 MB
node distances:
node     0    1    2 
   0:   10   21   31 
   1:   21   10   31 
   2:   31   31   10 
"""  # noqa: W291


def test_every_fact_of_a_host_with_sparse_ids():
    host = load(SPARSE)
    assert host.name == "kvm01"
    assert host.sources == ("hosts/kvm01.txt",)
    assert str(host.cpus) == "0-7"
    assert nodes(host) == [(0, "0,2,4,6", 8189), (8, "1,3,5,7", 0), (250, "", 15360), (251, "", None)]
    assert host.nodes[0].memory_bytes == 8189 << 20
    assert host.notes == ()


def test_distances_are_by_the_ids_of_the_header_and_may_differ_by_direction():
    host = load(SPARSE)
    assert dict(host.nodes[0].distances) == {0: 10, 8: 21, 250: 17, 251: 28}
    assert (host.distance(0, 8), host.distance(8, 0)) == (21, 20)
    assert host.distance(250, 251) is None  # 0: not known


def test_unknown_is_what_numactl_never_states():
    stated = {Fact.NODES, Fact.MEMORY, Fact.DISTANCES}
    assert load(COMPRESSED).unknown == set(Fact) - stated
    assert load(SPARSE).unknown == set(Fact) - stated | {Fact.MEMORY}


def test_compressed_lists_of_cpus():
    assert nodes(load(COMPRESSED)) == [(0, "0-7,16-23", 96000), (1, "8-15,24,26", 96000), (2, "", 512)]
    assert load(COMPRESSED).distance(0, 2) == 31


def test_no_distances():
    text = SPARSE[: SPARSE.index("node distances")] + "No distance information available.\n"
    assert [node.distances for node in load(text).nodes] == [{}, {}, {}, {}]


def test_warnings_of_libnuma_before_and_between():
    warned = "libnuma: Warning: cpu argument 91-103 is out of range\n\n" + SPARSE.replace(
        "node 8 cpus", "libnuma: Warning: Cannot parse distance information in sysfs\nnode 8 cpus"
    )
    assert load(warned) == load(SPARSE)
    assert load(SPARSE.replace("\n", "\r\n")) == load(SPARSE)
    assert load(b"\xff\xfe\n" + SPARSE.encode()) == load(SPARSE)


@pytest.mark.parametrize("before", ["", "libnuma: Warning: /sys not mounted or no numa system. Assuming one node\n"])
def test_system_without_numa_is_one_node_of_unknown_cpus(before):
    host = load(f"{before}No NUMA available on this system\n")
    assert nodes(host) == [(0, None, None)]
    assert host.one_node
    assert host.cpus is None
    assert host.notes == (
        "numactl says that there is no NUMA (or it ran in a container): taken as one node, CPUs not known",
    )


def test_only_node_without_any_cpu_is_no_memory_only_node():
    host = load("available: 1 nodes (0-0)\nnode 0 cpus:\nnode 0 size: <not available>\nnode 0 free: <not available>\n")
    assert nodes(host) == [(0, None, None)]
    assert host.cpus is None


def test_cpu_on_two_nodes_stays_on_the_first():
    host = load("available: 2 nodes (0-1)\nnode 0 cpus: 0 1\nnode 1 cpus: 1 2\n")
    assert nodes(host) == [(0, "0-1", None), (1, "2", None)]
    assert host.notes == ("CPUs 1 are on node 1 and on one before it: took the first",)


def test_with_a_table_of_lscpu_it_is_one_host():
    table = "# CPU,Core,Socket,Node,,L1d,L2\n" + "".join(
        f"{cpu},{cpu % 4},{cpu % 2},{8 * (cpu % 2)},,{cpu % 4},{cpu % 4}\n" for cpu in range(8)
    )
    cores = lscpu.load(Document("hosts/kvm01.lscpu", table.encode()), pytest.fail)
    host, warnings = merge([(20, load(SPARSE)), (10, cores)])
    assert [str(core) for core in host.cores] == ["0,4", "1,5", "2,6", "3,7"]
    assert nodes(host) == nodes(load(SPARSE))
    assert len(warnings) == 1  # a table of lscpu has no row for a node without CPUs
    assert "250-251 without CPUs" in warnings[0]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", 'it has no line "available: N nodes (...)"', 1),
        ("node 0 cpus: 0\n", 'it has no line "available: N nodes (...)"', 1),
        (SPARSE[:200], "it says that 4 nodes are available, but lists the CPUs of 3", 1),
        ("\n" + SPARSE.replace("node 8 cpus", "node 9 cpu"), "it says that 4 nodes are available, but lists ", 2),
        (SPARSE + SPARSE, "a second output of numactl begins here", 20),
        (SPARSE.replace("node 8 cpus", "node 0 cpus"), "node 0 is described twice", 5),
        (SPARSE.replace("node 8 ", "node 4096 "), "the number of a node is '4096', not a number from 0 to 1023", 5),
        (SPARSE.replace("1 3 5", "1 three 5"), "cpus of node 8 is '1,three,5,7', which is not a list of CPUs: ", 5),
        (SPARSE.replace("1 3 5", "1 16384 5"), "cpus of node 8 is '1,16384,5,7', which is not a list of CPUs: ", 5),
        (SPARSE.replace("8189 MB", "8 GB"), "size of node 0 is '8 GB', not a number of MB", 3),
        (SPARSE.replace("8189 MB", "9" * 99 + " MB"), f"size of node 0 is '{'9' * 40}...', not a number from 0 to ", 3),
        (SPARSE.replace("  0:  10  21", "  0:  10"), "the row of node 0 does not fit the 4 nodes above it", 16),
        (SPARSE.replace("  8:  20", "  0:  20"), "the row of node 0 does not fit the 4 nodes above it", 17),
        (SPARSE.replace("  0:  10", "  0: 256"), "a distance from node 0 is '256', not a number from 0 to 255", 16),
        (SPARSE.replace("  0:  10", "  0:  -1"), "a distance from node 0 is '-1', not a number from 0 to 255", 16),
        (
            SPARSE.replace("node   0   8", "node   0   7"),
            "it gives distances of node 7, which it does not describe",
            15,
        ),
        (SPARSE.replace("  8:  20", "  7:  20"), "it gives distances of node 7, which it does not describe", 17),
        ("available: 99999 nodes (0)\n", "the number of nodes is '99999', not a number from 0 to 1024", 1),
    ],
)
def test_errors_say_what_and_where(text, message, line):
    error = refused(text)
    assert error.message.startswith(message)
    assert error.path == "hosts/kvm01.txt"
    assert error.line == line


def test_errors_say_what_to_do():
    assert refused("").help == AGAIN
    assert refused(SPARSE[:200]).help == AGAIN
    assert refused(SPARSE + SPARSE).help == "give each host a file of its own"


def host_or_refused(text: str) -> None:
    try:
        host = load(text)
    except LoadError:
        return
    assert host.nodes
    assert (host.cpus is None) == all(node.cpus is None for node in host.nodes)
    assert sum(len(node.cpus or ()) for node in host.nodes) == len(host.cpus or ())


LINES = st.sampled_from(
    [*SPARSE.splitlines(), *COMPRESSED.splitlines(), "node 1", "0:", ": 1", "node 0 size:", " 0: 1"]
)


@given(st.lists(LINES, max_size=30))
def test_whatever_lines_are_a_host_or_refused(lines):
    host_or_refused("\n".join(["available: 1 nodes (0)", *lines]))


@given(st.text(max_size=80), st.sampled_from(["node 0 cpus:", "node 0 size:", "node distances:\nnode 0\n0:", ""]))
def test_whatever_follows_the_head_is_a_host_or_refused(text, line):
    host_or_refused(f"available: 1 nodes (0)\nnode 0 cpus: 0\n{line}{text}")


def test_a_thousand_nodes_and_hostile_lines_take_little_time():
    ids = range(1024)
    cpus = "".join(f"node {node} cpus: {node}\nnode {node} size: 1 MB\n" for node in ids)
    row = " ".join("20" for _ in ids)
    distances = f"node distances:\nnode {' '.join(map(str, ids))}\n" + "".join(f"{node}: {row}\n" for node in ids)
    hostile = ["(" * 100_000, "(1" * 100_000, " " * 100_000 + "(", "1 " * 100_000, "9" * 100_000]
    started = time.perf_counter()
    assert len(load(f"available: 1024 nodes (0-1023)\n{cpus}{distances}").nodes) == 1024
    for text in hostile:
        host_or_refused(f"available: 1 nodes (0)\nnode 0 cpus: {text}\n")
    assert time.perf_counter() - started < 3
