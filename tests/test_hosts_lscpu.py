import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import lscpu
from numalint.model.host import Fact, Host

AGAIN = "run it again and give its whole output: LC_ALL=C lscpu -J"


def load(text: str | bytes) -> Host:
    data = text.encode() if isinstance(text, str) else text
    return lscpu.load(Document("hosts/kvm01.txt", data), pytest.fail)


def refused(text: str | bytes) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(text)
    return caught.value


def sets(found) -> list[str] | None:
    return None if found is None else [str(each) for each in found]


def nodes(host: Host) -> dict[int, str]:
    return {node.id: str(node.cpus) for node in host.nodes or ()}


def flat(*entries: tuple[str, str | None]) -> str:
    return json.dumps({"lscpu": [{"field": field, "data": data} for field, data in entries]}, indent=3)


PARSABLE = """\
# The following is the parsable format, which can be fed to other
# programs. Each different item in every column has an unique ID
# starting usually from zero.
"""

SMT = f"""{PARSABLE}# CPU,Core,Socket,Node,,L1d,L1i,L2,L3
0,0,0,0,,0,0,0,0
1,1,0,0,,1,1,1,0
2,2,1,8,,2,2,2,1
3,3,1,8,,3,3,3,1
4,0,0,0,,0,0,0,0
5,1,0,0,,1,1,1,0
6,2,1,8,,2,2,2,1
7,3,1,8,,3,3,3,1
"""

SUMMARY = (
    ("Architecture:", "x86_64"),
    ("CPU(s):", "6"),
    ("On-line CPU(s) list:", "0-3"),
    ("Off-line CPU(s) list:", "4,5"),
    ("Thread(s) per core:", "2"),
    ("Socket(s):", "-"),
    ("NUMA node(s):", "3"),
    ("NUMA node0 CPU(s):", "0,2"),
    ("NUMA node8 CPU(s):", "1,3"),
    ("NUMA node250 CPU(s):", None),
)


def test_table_states_nodes_sockets_cores_and_caches():
    host = load(SMT)
    assert host.name == "kvm01"
    assert host.sources == ("hosts/kvm01.txt",)
    assert str(host.cpus) == "0-7"
    assert nodes(host) == {0: "0-1,4-5", 8: "2-3,6-7"}
    assert sets(host.sockets) == ["0-1,4-5", "2-3,6-7"]
    assert sets(host.cores) == ["0,4", "1,5", "2,6", "3,7"]
    assert sets(cache.cpus for cache in host.l3) == ["0-1,4-5", "2-3,6-7"]
    assert host.offline is None
    assert host.notes == ()


def test_unknown_is_what_lscpu_never_states():
    assert load(SMT).unknown == set(Fact) - {Fact.NODES, Fact.SOCKETS, Fact.CORES, Fact.L3}
    assert all(node.memory_bytes is None and node.hugepages is None for node in load(SMT).nodes)


def test_summary_states_nodes_without_cpus_and_offline_cpus_and_not_its_counts():
    host = load(flat(*SUMMARY))
    assert (host.arch, str(host.cpus), str(host.offline)) == ("x86_64", "0-3", "4-5")
    assert nodes(host) == {0: "0,2", 8: "1,3", 250: ""}
    assert (host.sockets, host.cores, host.l3) == (None, None, None)


def test_summary_without_a_line_of_offline_cpus_has_none_offline():
    assert str(load(flat(("CPU(s):", "2"), ("On-line CPU(s) list:", "0,1"))).offline) == ""


def test_children_are_read_at_every_depth():
    nested = {
        "lscpu": [
            {"field": "Architecture:", "data": "aarch64", "children": [{"field": "Byte Order:", "data": "x"}]},
            {
                "field": "CPU(s):",
                "data": "4",
                "children": [
                    {"field": "On-line CPU(s) list:", "data": "0-3"},
                    {
                        "field": "NUMA:",
                        "data": None,
                        "children": [
                            {"field": "NUMA node0 CPU(s):", "data": "0,1"},
                            {"field": "NUMA node1 CPU(s):", "data": "2,3"},
                        ],
                    },
                ],
            },
        ]
    }
    host = load(json.dumps(nested))
    assert host.arch == "aarch64"
    assert nodes(host) == {0: "0-1", 1: "2-3"}


def test_text_of_the_summary_says_what_its_json_says():
    text = "\n".join(f"{field:<25}{data or ''}" for field, data in SUMMARY) + "\nVulnerability Mds: Mitigation: x\n"
    assert load(text) == load(flat(*SUMMARY))
    assert load(text.replace("\n", "\r\n")) == load(flat(*SUMMARY))


def test_on_a_terminal_the_summary_is_indented_and_long_lists_go_on_in_the_next_line():
    text = (
        "Architecture:             x86_64\n"
        "CPU(s):                   24\n"
        "  On-line CPU(s) list:    0-23\n"
        "NUMA:                     \n"
        "  NUMA node(s):           2\n"
        "  NUMA node0 CPU(s):      0,2,4,6,8,10,1\n"
        "                          2,14,16,18,20,\n"
        "                          22\n"
        "  NUMA node1 CPU(s):      1,3,5,7,9,11,13,15,17,19,21,23\n"
    )
    assert nodes(load(text)) == {0: "0,2,4,6,8,10,12,14,16,18,20,22", 1: "1,3,5,7,9,11,13,15,17,19,21,23"}


def test_a_node_list_may_name_cpus_that_are_not_there():
    host = load(flat(("On-line CPU(s) list:", "0-7"), ("NUMA node0 CPU(s):", "0-140")))
    assert nodes(host) == {0: "0-7"}


def test_without_a_list_of_online_cpus_they_are_those_of_the_nodes():
    host = load(flat(("CPU(s):", "4"), ("NUMA node0 CPU(s):", "0-1"), ("NUMA node1 CPU(s):", "2-3")))
    assert (str(host.cpus), host.offline) == ("0-3", None)


def test_a_translation_that_keeps_the_words_is_read():
    host = load(
        flat(("Liste der Online-CPU(s):", "0-3"), ("NUMA-Knoten0 CPU(s):", "0-1"), ("NUMA-Knoten1 CPU(s):", "2-3"))
    )
    assert nodes(host) == {0: "0-1", 1: "2-3"}


def test_cpu_on_two_nodes_stays_on_the_first():
    host = load(flat(("On-line CPU(s) list:", "0-3"), ("NUMA node0 CPU(s):", "0-2"), ("NUMA node1 CPU(s):", "1-3")))
    assert nodes(host) == {0: "0-2", 1: "3"}
    assert host.notes == ("CPUs 1-2 are on node 1 and on one before it: took the first",)


@pytest.mark.parametrize("online", ["true", '"yes"', '"Y"'])
def test_json_table_with_the_invalid_value_of_old_releases_is_mended(online):
    host = load(
        '{\n   "cpus": [\n      {\n'
        f'         "cpu": 0,\n         "node": 1,\n         "socket": 0,\n         "core": 0,\n'
        f'         "l1d:l1i:l2:l3": "0:0:0:0",\n         "online": {online}\n'
        '      },{\n         "cpu": 1,\n         "node": -,\n         "socket": -,\n         "core": -,\n'
        '         "l1d:l1i:l2:l3": "-",\n         "online": false\n      }\n   ]\n}\n'
    )
    assert (str(host.cpus), str(host.offline), nodes(host)) == ("0", "1", {1: "0"})
    assert (sets(host.sockets), sets(host.cores)) == (["0"], ["0"])


def test_json_table_of_releases_that_write_every_value_as_a_string():
    rows = [
        {"cpu": str(cpu), "node": "0", "socket": "0", "core": str(cpu % 2), "l1d:l1i:l2": f"{cpu % 2}:0:0"}
        for cpu in range(4)
    ]
    host = load(json.dumps({"cpus": rows}))
    assert sets(host.cores) == ["0,2", "1,3"]
    assert host.offline is None


EXTENDED = """\
CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE    MAXMHZ
  0    0      0    0 0:0:0:0          yes 2800.0000
  1    0      0    1 1:1:1:0          yes 2800.0000
  2    0      0    0 0:0:0:0          yes 2800.0000
  3    -      -    - -                 no         -
"""


def test_text_table_tells_offline_cpus():
    host = load(EXTENDED)
    assert (str(host.cpus), str(host.offline)) == ("0-2", "3")
    assert sets(host.cores) == ["0,2", "1"]


def test_table_of_online_cpus_does_not_say_that_none_is_offline():
    assert load(EXTENDED[: EXTENDED.index("  3 ")]).offline is None


def test_parsable_table_with_all_cpus_does_not_say_which_are_offline():
    host = load(f"{PARSABLE}# CPU,Core,Socket,Node,,L1d,L2\n0,0,0,0,,0,0\n1,,,,,,\n2,,,,,,\n")
    assert (str(host.cpus), str(host.offline)) == ("0", "1-2")
    assert host.notes == (
        "CPUs 1-2 are listed without a core or socket, as lscpu shows offline CPUs: taken as offline",
    )


def test_kernel_without_nodes_and_topology():
    host = load(f"{PARSABLE}# CPU,Core,Socket,Node\n0,,,\n1,,,\n")
    assert (str(host.cpus), host.nodes, host.sockets, host.cores) == ("0-1", None, None, None)


def test_columns_are_those_of_the_header_in_its_order():
    host = load(f"{PARSABLE}# Node,CPU,Online,L1d:L1i:L2:L3,Core\n8,4,Y,3:3:3:1,9\n8,5,Y,3:3:3:1,9\n8,6,N,,\n")
    assert nodes(host) == {8: "4-5"}
    assert sets(host.cores) == ["4-5"]
    assert str(host.offline) == "6"
    assert host.sockets is None
    assert sets(cache.cpus for cache in host.l3) == ["4-5"]
    assert nodes(load("# CPU,NODE\n0,0\n1,1\n")) == {0: "0", 1: "1"}


def test_old_header_in_capitals_and_a_column_that_is_not_known():
    host = load(f"{PARSABLE}# CPU,CORE,SOCKET,NODE,FLAGS\n0,0,0,1,x\n")
    assert (nodes(host), sets(host.cores)) == ({1: "0"}, ["0"])


def test_a_model_name_may_hold_the_separator():
    assert nodes(load("# CPU,MODELNAME,Node\n0,POWER7 (architected), altivec supported,1\n")) == {1: "0"}
    assert nodes(load("CPU CORE MODELNAME NODE\n0 0 Neoverse N1 r3 1\n")) == {1: "0"}


def test_a_cache_that_a_cpu_has_not_is_left_out_without_a_trace():
    table = f"{PARSABLE}# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n0,0,0,0,,0,0,0,0\n1,1,0,0,,1,1,1\n2,2,0,0,,\n"
    host = load(table)
    assert sets(host.cores) == ["0", "1", "2"]
    assert host.l3 is None
    assert load(EXTENDED.replace("1:1:1:0", "1:1:1  ")).l3 is None


def test_core_numbers_that_start_again_for_each_type_of_cpu_are_no_cores():
    rows = "".join(f"{cpu},{cpu % 5},0,0,,{cpu},{cpu},{cpu},0\n" for cpu in range(20))
    host = load(f"{PARSABLE}# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n{rows}")
    assert (host.cores, host.sockets) == (None, None)
    assert host.notes == (
        "CPUs 0,5,10,15 have one Core number but not one L2 cache, as where lscpu numbers the cores of each type of CPU "
        "from 0: its cores and sockets are not used (virsh capabilities states them)",
    )
    assert nodes(host) == {0: "0-19"}


def test_threads_of_a_module_share_a_core_number_and_no_first_cache():
    host = load(f"{PARSABLE}# CPU,Core,Socket,Node,,L1d,L1i,L2\n0,0,0,0,,0,0,0\n1,0,0,0,,1,0,0\n")
    assert (host.cores, sets(host.sockets)) == (None, ["0-1"])
    assert host.notes == (
        "CPUs 0-1 have one Core number but not one L1d cache: its cores are not used (virsh capabilities states them)",
    )


def test_a_core_on_two_nodes_is_none():
    host = load(f"{PARSABLE}# CPU,Core,Socket,Node,,L1d,L2\n0,0,0,0,,0,0\n1,0,0,1,,0,0\n")
    assert (host.cores, host.sockets) == (None, None)
    assert host.notes[0].startswith("CPUs 0-1 have one Core number but not one node, as where ")


def test_without_caches_an_equal_core_number_proves_nothing():
    host = load(f"{PARSABLE}# CPU,Core,Socket,Node\n0,0,0,0\n1,0,0,0\n2,0,1,0\n")
    assert (host.cores, sets(host.sockets)) == (None, ["0-1", "2"])
    assert host.notes == (
        "CPUs 0-1 have one Core number but no L1d or L2 column that confirms that they are one core: its cores are not used "
        "(run lscpu -p without a list of columns; virsh capabilities states them)",
    )


def test_physical_numbers_repeat_in_every_socket():
    host = load(f"{PARSABLE}# CPU,Core,Socket,Node,,L1d,L2\n0,0,36,0,,0,0\n1,0,3180,0,,1,1\n2,0,36,0,,0,0\n")
    assert sets(host.cores) == ["0,2", "1"]
    assert sets(host.sockets) == ["0,2", "1"]


def test_sockets_of_books_and_drawers():
    host = load("CPU NODE DRAWER BOOK SOCKET CORE\n0 0 0 0 2 0\n1 0 0 1 2 0\n2 0 1 0 2 0\n")
    assert sets(host.sockets) == ["0", "1", "2"]
    assert sets(host.cores) == ["0", "1", "2"]


def test_outputs_after_one_another_are_one_host_and_a_second_table_is_not_read():
    summary = "Architecture: x86_64\nCPU(s): 8\nOn-line CPU(s) list: 0-7\nNUMA node0 CPU(s): 0-7\nNUMA node3 CPU(s):\n"
    physical = SMT.replace("\n1,1,0", "\n1,0,-")
    host = load(f"{summary}\n{SMT}\n{physical}")
    assert nodes(host) == {0: "0-7", 3: ""}
    assert sets(host.cores) == ["0,4", "1,5", "2,6", "3,7"]
    assert (host.arch, str(host.offline)) == ("x86_64", "")


def test_bytes_that_are_no_utf8_and_a_byte_order_mark():
    assert nodes(load(b"\xef\xbb\xbfModel name: \xff\xfe\x0b\nOn-line CPU(s) list: 0\nNUMA node1 CPU(s): 0\n")) == {
        1: "0"
    }


ROW = '{"cpu": 0, "online": true}'


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("Architektur: x86_64\nProzessoren: 4\n", "this lscpu output lists no CPUs: it may be cut off, or translated", 1),
        ("", "this lscpu output lists no CPUs: ", 1),
        (f"{PARSABLE}# Core,Socket,Node\n0,0,0\n", "lscpu output has no CPU column", 5),
        (f"{PARSABLE}# CPU,Core\n,0\n", "a CPU without a number", 5),
        (f"{PARSABLE}# CPU,Core,Node\n0,0,0\n1,1\n", "2 values where the table has 3 columns: '1 1'", 6),
        (f"{PARSABLE}# CPU,Core,Node\n0,0,0,0\n", "4 values where the table has 3 columns: '0 0 0 0'", 5),
        (f"{PARSABLE}# CPU,,L1d,L2,Node\n0,,0,0,0\n1,,1,0\n", "4 values where the table has 5 columns: '1  1 0'", 6),
        (f"{PARSABLE}# CPU,Core\n16384,0\n", "cpu of a CPU is '16384', not a number from 0 to 16383", 5),
        (f"{PARSABLE}# CPU,Node\n0,4096\n", "node of a CPU is '4096', not a number from 0 to 1023", 5),
        (f"{PARSABLE}# CPU,Core\n0,{'9' * 99}\n", f"core of a CPU is '{'9' * 40}...', not a number from 0 to ", 5),
        (f"{PARSABLE}# CPU,Core\n0,\u0663\n", "core of a CPU is '\u0663', not a number from 0 to 4294967295", 5),
        (f"{PARSABLE}# CPU,,L3\n0,,x\n", "l3 of a CPU is 'x', not a number from 0 to ", 5),
        (f"{PARSABLE}# CPU,Core\n0,0\n0,1\n", "CPU 0 is listed twice", 6),
        ("CPU ONLINE\n0 no\n", "no CPU in this table is online", 2),
        ("CPU ONLINE\n0 ja\n", "online is 'ja', neither yes nor no", 2),
        ("CPU NODE\n0 0\n$ exit\n", "cpu of a CPU is '$', not a number from 0 to 16383", 3),
        ("CPU(s): 8\nOn-line CPU(s) mask: ff\n", "lscpu -x prints masks, not lists of CPUs", 2),
        ("CPU(s): 8\nOn-line CPU(s) list: 0-x\n", "On-line CPU(s) list is '0-x', which is not a list of CPUs: ", 2),
        ("CPU(s): 8\nNUMA node9999 CPU(s): 0\n", "the number of a node is '9999', not a number from 0 to 1023", 2),
        ("NUMA node0 CPU(s): 0\nNUMA node0 CPU(s): 1\n", "node 0 is described twice", 2),
        ("CPU(s): 1\nNUMA node0 CPU(s): 99999\n", "NUMA node0 CPU(s) is '99999', which is not a list of CPUs: 99999 ", 2),
        ('{"lscpu": [\n  {"field": "NUMA node0 CPU(s):",\n', "it is not JSON: ", 3),
        ('{"cpus": []}', 'this JSON has no list "lscpu" and no list "cpus"', 1),
        ('{"cpus": 1}', 'this JSON has no list "lscpu" and no list "cpus"', 1),
        (f'{{"cpus": [\n{ROW},\n{{"core": 1}}]}}', "lscpu output has no CPU column", None),
        (f'{{"cpus": [\n{ROW},\n{{"cpu": 1.5}}]}}', "cpu of a CPU is '<float>', not a number from 0 to 16383", 3),
        (f'{{"cpus": [\n{ROW},\n7]}}', "entry 2 of cpus is no object", None),
        (f'{{"cpus": [\n{ROW},\n{ROW}]}}', "CPU 0 is listed twice", 3),
        ('{"lscpu": [\n{"data": "x"}]}', 'an entry of lscpu has no "field"', None),
        ('{"lscpu": [\n{"field": "NUMA node1 CPU(s):", "data": "a"}]}', "NUMA node1 CPU(s) is 'a', which is not ", 2),
        (f'{{"lscpu": {"[" * 100_000}', "it is not the JSON of lscpu: its values are nested too deeply", None),
        (f'{{"cpus": [{{"cpu": {"1" * 5000}}}]}}', "it is not the JSON of lscpu: a number in it has thousands of ", None),
    ],
)  # fmt: skip
def test_errors_say_what_and_where(text, message, line):
    error = refused(text)
    assert error.message.startswith(message)
    assert error.path == "hosts/kvm01.txt"
    assert error.line == line


def test_errors_say_what_to_do():
    assert refused("").help == AGAIN
    assert refused("{").help == AGAIN
    assert refused("# Core,Node\n0,0\n").help == "run LC_ALL=C lscpu -p, without a list of columns"
    assert refused("CPU ONLINE\n0 ja\n").help == "run it as LC_ALL=C lscpu"
    assert refused("On-line CPU(s) mask: 3\n").help == "run LC_ALL=C lscpu -J, without -x"


WORDS = st.sampled_from(
    [
        "0",
        "1",
        "16384",
        "-",
        "",
        "yes",
        "no",
        "0-3",
        "0:0:0:0",
        "1:1",
        "^1",
        "x",
        "\u0663",
        "NUMA node1 CPU(s):",
        "#",
        " ",
    ]
)
NAMES = st.lists(
    st.sampled_from(["CPU", "Core", "Socket", "Node", "", "L1d", "L2", "L3", "Online", "MODELNAME"]), max_size=6
)


def host_or_refused(text: str) -> None:
    try:
        host = load(text)
    except LoadError:
        return
    everywhere = host.cpus
    assert everywhere
    for groups in (host.sockets, host.cores, host.l3 and [cache.cpus for cache in host.l3]):
        if groups is not None:  # they part the online CPUs
            assert sum(map(len, groups)) == len(everywhere)
            assert all(each and each <= everywhere for each in groups)
    assert sum(len(node.cpus) for node in host.nodes or ()) <= len(everywhere)


@given(NAMES, st.lists(st.lists(WORDS, max_size=7), max_size=5), st.sampled_from([",", " "]))
def test_whatever_table_is_a_host_or_refused(names, rows, separator):
    header = ("# " if separator == "," else "") + separator.join(["CPU", *names])
    host_or_refused("\n".join([header, *(separator.join(row) for row in rows)]))


@given(
    st.text(max_size=60),
    st.sampled_from(["CPU(s): 1\nOn-line CPU(s) list: ", '{"lscpu": [', '{"cpus": [', "# CPU,", "CPU NODE\n"]),
)
def test_whatever_follows_the_head_is_a_host_or_refused(text, head):
    host_or_refused(head + text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 20_000) | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["field", "data", "children", "cpu", "node", "core", "socket", "online"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["lscpu", "cpus"]), JSON)
def test_whatever_json_is_a_host_or_refused(key, value):
    host_or_refused(json.dumps({key: value}))


def test_loading_1024_cpus_and_hostile_lines_takes_little_time():
    rows = "".join(
        f"{cpu},{cpu % 512},{cpu % 4},{cpu % 8},,{cpu % 512},{cpu % 512},{cpu % 512},{cpu % 64}\n"
        for cpu in range(1024)
    )
    table = f"{PARSABLE}# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n{rows}"
    children: dict = {"field": "x"}
    for _ in range(300):
        children = {"field": "NUMA:", "data": None, "children": [children]}
    hostile = [
        "NUMA" + "0" * 200_000 + "\n",
        "NUMA" + " 1 CPU" * 40_000 + ": 0\n",
        "CPU" + " X" * 100_000 + "\n",
        "# CPU" + "," * 200_000 + "\n",
        '{"cpus": [{"cpu"' + " " * 200_000 + "-",
        '{"lscpu": [' + '{"field": ' * 900,
        json.dumps({"lscpu": [children]}),
        "On-line CPU(s) list: 0\n" + "  x\n" * 50_000,
    ]
    started = time.perf_counter()
    assert len(load(table).cores) == 512
    for text in hostile:
        host_or_refused(text)
    assert time.perf_counter() - started < 2
