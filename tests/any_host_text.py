"""Hosts as text: a strategy of numalint's TOML and of synthetic strings, right ones and ones with a slip in them."""

from __future__ import annotations

from hypothesis import strategies as st

Text = st.SearchStrategy[str]

SLIPS = ["0", "-1", "''", "'x'", "'0-'", "'9-1'", "1.5", "true", "[]", "{}", "nan", "99999999999999999999", "'4294967296'", "'\u0663'",
         "'1 PiB'", "'0-16383'", '"\\u202e"', "'a\tb'", "1979-05-27", "[[]]", "{ 0 = 1 }", "'"]  # fmt: skip
SYNTHETIC_SLIPS = [
    "",
    "pu:0",
    "core:99999",
    "numa:2(memory=0)",
    "pack:",
    "x:1",
    "pu:2",
    "(indexes=0)",
    "[numa]",
    "\u0663",
    "pack:1(size=1)",
]
_ONE_IN = 16


def value(good: Text) -> Text:
    """A value in TOML, or now and then an odd one."""
    return st.integers(1, _ONE_IN).flatmap(lambda drawn: st.sampled_from(SLIPS) if drawn == _ONE_IN else good)


def number(least: int, most: int) -> Text:
    return value(st.integers(least, most).map(str))


def words(*texts: str) -> Text:
    return value(st.sampled_from([f"'{text}'" for text in texts]))


SIZE = words("64 GiB", "1 TiB", "512 MiB", "65536 KiB")
CPUS = words("0-3", "0,4", "0-7,^3", "8-15", "")


@st.composite
def table(draw: st.DrawFn, head: str, must: dict[str, Text], may: dict[str, Text]) -> str:
    """A table of TOML with some keys, and any of others."""
    pairs = draw(st.fixed_dictionaries(must, optional=may))
    return "\n".join([head, *(f"{key} = {text}" for key, text in pairs.items())]) + "\n"


COUNTED = table(
    "[topology]",
    {
        "sockets": number(1, 2),
        "cores_per_node": number(1, 8),
        "threads_per_core": value(st.sampled_from(["1", "2"])),
        "cpu_numbering": words("threads-last", "threads-adjacent", "nodes-interleaved"),
    },
    {
        "nodes_per_socket": number(1, 2),
        "cores_per_l3": number(1, 4),
        "dies_per_socket": number(1, 2),
        "memory_per_node": SIZE,
        "distances": value(st.sampled_from(["[[10, 21], [21, 10]]", "[[10]]", "[[10, 9], [9, 10]]"])),
    },
)


def listed(id: int) -> Text:
    first = id * 8
    cores = [f"{first}-{first + 3}", f"{first}-{first + 1}+{first + 4}-{first + 5}", f"{first}-{first + 7}/2"]
    distances = st.sampled_from([["[10, 21]", "{ 0 = 10, 1 = 21 }"], ["[21, 10]", "{ 1 = 10 }"]][id])
    own = {"memory": SIZE, "distances": value(distances), "socket": number(0, 1)}
    of_memory = {"kind": words("cxl", "hbm", "dram"), "near": value(st.just("[0]"))}
    return table("[[nodes]]", {"id": number(id, id)}, own | {"cores": words(*cores)}) | table(
        "[[nodes]]", {"id": number(id, id)}, own | of_memory
    )


NODE = table(
    "[node.0]",
    {},
    {
        "memory": SIZE,
        "reserved_memory": words("4 GiB"),
        "hugepages": value(st.sampled_from(["{}", "{ '1G' = 32 }", "{ '2M' = { total = 512, free = 100 } }"])),
        "pci": value(st.sampled_from(["['0000:41:00.0 ens1f0']", "['0000:3b:00.0 nvme0n1 sdb']"])),
        "pci_buses": value(st.just("['0000:40-5f']")),
        "names": value(st.just("['dax0.0']")),
    },
)
OWN_CPUS = table("[cpus]", {}, {"housekeeping": CPUS, "isolated": CPUS, "offline": CPUS})
PCI = table(
    "[pci]",
    {},
    {"'0000:41:00.0'": value(st.sampled_from(["{ node = 1, name = 'ens1f0' }", "{ node = 0, iommu_group = 3 }"]))},
)


@st.composite
def toml(draw: st.DrawFn) -> str:
    """A host in TOML."""
    first = draw(
        COUNTED | st.just("synthetic = 'pack:2 numa:1 core:4 pu:2'\n") | st.tuples(listed(0), listed(1)).map("".join)
    )
    top = "pci_complete = true\n" if draw(st.booleans()) else ""
    own = (OWN_CPUS, PCI) if "[[nodes]]" in first else (NODE, OWN_CPUS, PCI)
    parts = [draw(st.just("") | part) for part in own]
    return "".join(["format = 1\n", top, first, *parts])


@st.composite
def synthetic(draw: st.DrawFn) -> str:
    """A synthetic string."""
    levels = [
        draw(st.sampled_from(["pack:1", "pack:2"])),
        draw(
            st.sampled_from(["numa:1", "numa:2", "numa:1(memory=64GiB)", "[numa(memory=8GiB)]", "numa:2(indexes=1,0)"])
        ),
        draw(st.sampled_from(["", "l3:1", "l3:2(size=32MiB)", "die:2"])),
        draw(st.sampled_from(["core:4", "core:1", "core:8"])),
        draw(st.sampled_from(["pu:1", "pu:2", "pu:2(indexes=2*8:1*2)"])),
    ]
    slip = draw(st.integers(0, 4 * len(levels)))
    if slip < len(levels):
        levels[slip] = draw(st.sampled_from(SYNTHETIC_SLIPS))
    return " ".join(filter(None, levels))
