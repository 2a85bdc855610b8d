import pytest

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import synthetic
from numalint.loaders.host.inputs import host_from_text
from numalint.model.host import Fact

GIB = 1 << 30


def nodes(text: str) -> list[tuple[int, str, int | None]]:
    return [(node.id, str(node.cpus), node.memory_bytes) for node in host_from_text(text).nodes]


def test_threads_of_a_core_are_neighbours():
    host = host_from_text("pack:2 numa:1 core:2 pu:2")
    assert host.name == "synthetic"
    assert [str(core) for core in host.cores] == ["0-1", "2-3", "4-5", "6-7"]
    assert [str(socket) for socket in host.sockets] == ["0-3", "4-7"]
    assert nodes("pack:2 numa:1 core:2 pu:2") == [(0, "0-3", None), (1, "4-7", None)]


def test_indexes_as_loops_and_as_a_list():
    assert nodes("pack:2 numa:2 core:16 pu:2(indexes=2*64:64*1)") == [
        (0, "0-15,64-79", None),
        (1, "16-31,80-95", None),
        (2, "32-47,96-111", None),
        (3, "48-63,112-127", None),
    ]
    assert nodes("numa:2 pu:2(indexes=0,2,1,3)") == [(0, "0,2", None), (1, "1,3", None)]
    assert nodes("numa:2(indexes=8,0) pu:1") == [(0, "1", None), (8, "0", None)]


def test_memory_that_is_not_said_is_unknown():
    assert Fact.MEMORY in host_from_text("numa:2 core:2 pu:1").unknown
    assert nodes("numa:1(memory=64GiB) pu:1") == [(0, "0", 64 * GIB)]
    assert nodes("numa:1(memory=64GB) pu:1") == [(0, "0", 64 * 10**9)]
    assert nodes("numa:1(memory=4096) pu:1") == [(0, "0", 4096)]


def test_attached_memory():
    assert nodes("pack:1 [numa(memory=64GiB)] l3:2 core:4 pu:2") == [(0, "0-15", 64 * GIB)]
    second = host_from_text("pack:1 [numa] [numa(memory=1GiB)] pu:2").nodes[1]
    assert (second.id, str(second.cpus), str(second.near)) == (1, "", "0")


def test_attached_memory_is_numbered_after_what_is_below_its_object():
    host = host_from_text("[numa] pack:2 [numa] [numa(memory=1GiB)] core:2 [numa] pu:1")
    assert [(node.id, str(node.cpus), str(node.near)) for node in host.nodes] == [
        (0, "0", ""),
        (1, "1", ""),
        (2, "", "0-1"),
        (3, "", "0-1"),
        (4, "2", ""),
        (5, "3", ""),
        (6, "", "4-5"),
        (7, "", "4-5"),
        (8, "", "0-1,4-5"),
    ]
    assert [node.id for node in host.nodes if node.memory_bytes] == [3, 7]


def test_indexes_of_attached_memory_are_for_all_of_it():
    assert nodes("pack:2 [numa(indexes=3,1,2,0)] [numa] pu:2") == [
        (0, "2-3", None),
        (1, "0-1", None),
        (2, "", None),
        (3, "", None),
    ]


@pytest.mark.parametrize(
    ("loops", "numbers"),
    [
        ("2*2:1*2", [0, 2, 1, 3]),
        ("1*2:2*2", [0, 1, 2, 3]),
        ("2*2", [0, 2, 1, 3]),
        ("2*2:4*1", [0, 2, 1, 3]),
    ],
)
def test_loops_are_step_times_count_and_one_may_be_missing(loops, numbers):
    assert [cpus for _, cpus, _ in nodes(f"numa:4 pu:1(indexes={loops})")] == list(map(str, numbers))


def test_levels_that_are_not_there_are_unknown():
    host = host_from_text("node:2 pu:4")
    assert (host.sockets, host.cores, host.l3, host.pci) == (None, None, None, None)
    assert [(str(cache.cpus), cache.size_bytes) for cache in host_from_text("l3:2(size=32MiB) pu:2").l3] == [
        ("0-1", 32 << 20),
        ("2-3", 32 << 20),
    ]


def test_without_nodes_there_is_one():
    assert nodes("pack:4 core:2 pu:2") == [(0, "0-15", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pack:2 core:2", "the synthetic string ends with core, not with pu: it has no CPUs"),
        ("pack:2 foo:2 pu:1", "'foo' is no type that numalint reads in a synthetic string"),
        ("pack:2 3 pu:1", "'3' has no type: hwloc would choose one, numalint does not"),
        ("pack:2 core pu:1", "'core' has no count"),
        ("pack:2 pu:1 core:2", "'core' stands after pu, which is the last"),
        ("pack:2 [core] pu:1", "'[core': only [numa] or [numa(memory=...)] can stand in brackets"),
        ("pack:0 pu:1", "the synthetic string makes 0 objects; a host has 1 to 16384 CPUs"),
        ("pack:999999 pu:1", "the synthetic string makes 999999 objects; a host has 1 to 16384 CPUs"),
        ("numa:1(memory=much) pu:1", "'much' is not a size such as 64GiB"),
        ("numa:1(subtype=HBM) pu:1", "'subtype=HBM': of the attributes only memory=, size= and indexes= are read"),
        ("pu:2(indexes=numa:core)", "indexes=numa:core: only a list 0,2,1,3 and loops 2*64:64*1 are read"),
        ("pu:2(indexes=0,0)", "indexes=0,0 must give 2 different numbers, one for each pu"),
        ("pu:2(indexes=0,99999)", "indexes=0,99999: 99999 is over 16383"),
        ("machine:1 pu:1", "'machine' is no type that numalint reads in a synthetic string"),
        ("pack:010 pu:1", "010 begins with 0: hwloc reads it in octal"),
        ("pack:2 pack:2 pu:1", "'pack' stands there twice"),
        ("numa:2 [numa] pu:1", "nodes are levels (numa:2) or in brackets ([numa]), not both"),
        ("numa:1(memory=64G) pu:1", "'64G' is not a size such as 64GiB"),
        ("numa:1(memory=0) pu:1", "'0' is not a size such as 64GiB"),
        (
            "pack:1(memory=1GB) pu:1",
            "'memory=1GB': memory= is that of a node, size= that of a cache; here hwloc passes over it",
        ),
        ("numa:1(memory=64 GB) pu:1", "'GB': of the attributes only memory=, size= and indexes= are read"),
        ("[numa(indexes=0)] [numa(indexes=1)] pu:1", "several [numa] have indexes=: one list is for all of them"),
        ("pu:8(indexes=4*3)", "indexes=4*3 must give 8 different numbers, one for each pu"),
        ("pu:8(indexes=1*16)", "indexes=1*16: its loops are over more than 8 numbers"),
        ("numa:1 pu:1 $", "the synthetic string is not understood from '$'"),
    ],
)
def test_what_is_not_read_is_refused_by_name(text, message):
    with pytest.raises(LoadError) as caught:
        synthetic.read(text, "--host")
    assert caught.value.message == message
    assert caught.value.help == "write for instance: pack:2 numa:1 core:16 pu:2"


def test_a_file_may_hold_one():
    document = Document("small.txt", b"pack:1 core:2 pu:1\n")
    assert str(synthetic.load(document, pytest.fail).cpus) == "0-1"
