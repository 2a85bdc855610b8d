import pytest

from numalint.loaders import synthetic
from numalint.loaders.document import Document, LoadError, read_head
from numalint.loaders.hosts import host_from_text
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
        ("numa:1 pu:1 $", "the synthetic string is not understood from '$'"),
    ],
)
def test_what_is_not_read_is_refused_by_name(text, message):
    with pytest.raises(LoadError) as caught:
        synthetic.read(text, "--host")
    assert caught.value.message == message
    assert caught.value.help == "write for instance: pack:2 numa:1 core:16 pu:2"


def test_what_looks_like_one():
    assert synthetic.looks_synthetic("pack:2 numa:1 core:4 pu:1")
    assert synthetic.looks_synthetic("[numa] core:4 pu:1")
    assert not synthetic.looks_synthetic("hosts/kvm01.xml")
    assert not synthetic.looks_synthetic("[topology]\nsockets = 2")


def test_a_file_may_hold_one():
    document = Document("small.txt", b"pack:1 core:2 pu:1\n")
    assert synthetic.FORMAT.recognise(read_head(document.data))
    assert str(synthetic.load(document, pytest.fail).cpus) == "0-1"
