"""Domains as text: a strategy of what libvirt's grammar allows, of slips in it, and of what an enemy would write.

A domain has a mood. In a ``valid`` one every value is one that libvirt reads, though no host may be fit for it. In the others some
values are odd: ``slips`` are those of people, ``hostile`` ones are huge or hide something and are XML all the same, and with
``broken`` ones it is XML no more. Numbers of vCPUs, guest cells and IOThreads are drawn first, so that what names them mostly fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from hypothesis import strategies as st

Text = st.SearchStrategy[str]
Value = st.SearchStrategy[str | None]
"""The value of an attribute, or the text of an element, with what has to be escaped in it escaped; None: it is absent."""

SLIPS = [None, "", " ", " 1", "1 ", "-1", "+1", "01", "0x1", "1.5", "1e3", "one", "1,", "1-", "3-1", "^0", "0,,1", "0-", "1;2",
         "0", "99", "4096", "65536", "yes", "on", "auto", "strict", "STATIC", "GB", "\t2\n"]  # fmt: skip
HOSTILE = ["4294967296", "9" * 18, "9" * 40, "0-4294967295", "0-16383", ",".join(map(str, range(0, 4000, 2))), "^1," * 500 + "2",
           "0," * 2000 + "0", "\u0663", "\uff13", "&#49;", "&#x9;1", "&#10;::error::x", "1&#10;2", "a&#x9b;31m", "&#x202e;1", "\u202e3",
           "\u2028", "&lt;b&gt;", "&amp;#10;", "]]&gt;", "--&gt;", "&quot;&apos;", "a" * 5000, "\U0001f986" * 3, "%0A", "|`[x](y)", "\ufeff1"]  # fmt: skip
BROKEN = ["&#0;", "&#27;[31m", "&nbsp;", "<", "\x00", "\x1b[31m", "&#xffff;", "&", "'", "]]>", "\ufffe", "&#x110000;"]
ODD = {"slips": SLIPS, "hostile": HOSTILE, "broken": BROKEN}
MOODS = ("valid", "slips", "hostile", "broken")
_ONE_IN = 12
"""How often a value is odd, where some are."""


def maybe(one: Text) -> Text:
    """One, or nothing."""
    return st.just("") | one


def many(one: Text, most: int = 2) -> Text:
    return st.lists(one, max_size=most).map("".join)


def each(ids: Iterable[int], one: Callable[[int], Text]) -> Text:
    """One of every id, or of some."""
    every = [one(number) for number in ids]
    return st.tuples(*map(maybe, every)).map("".join) | st.tuples(*every).map("".join)


@st.composite
def element(draw: st.DrawFn, tag: str, attributes: dict[str, Value], *inside: Text) -> str:
    """An element with some attributes, an element in it a line."""
    values = {name: draw(value) for name, value in attributes.items()}
    written = "".join(f" {name}='{value}'" for name, value in values.items() if value is not None)
    children = "".join(draw(each) for each in inside)
    return f"<{tag}{written}>\n{children}</{tag}>\n" if children else f"<{tag}{written}/>\n"


@st.composite
def leaf(draw: st.DrawFn, tag: str, text: Value, **attributes: Value) -> str:
    """An element with a text."""
    values = {name: draw(value) for name, value in attributes.items()}
    written = "".join(f" {name}='{value}'" for name, value in values.items() if value is not None)
    return f"<{tag}{written}>{draw(text) or ''}</{tag}>\n"


def id_sets(least: int, most: int) -> Text:
    """Sets of CPUs or nodes: a number, a range, several, one that is taken out."""
    number = st.integers(least, most)
    bounds = st.tuples(number, number).map(sorted)
    spread = bounds.map(lambda two: f"{two[0]}-{two[1]}")
    holed = bounds.map(lambda two: f"{two[0]}-{two[1] + 1},^{two[1]}")
    return (
        number.map(str)
        | spread
        | st.sets(number, min_size=1, max_size=5).map(lambda ids: ",".join(map(str, ids)))
        | holed
    )


class Grammar:
    """Strategies of the parts of a domain of so many vCPUs, guest cells and IOThreads, in a mood."""

    def __init__(self, mood: str, vcpus: int, cells: int, threads: int) -> None:
        self.odd = st.sampled_from(ODD[mood]) if mood in ODD else None
        self.vcpus, self.cells, self.threads = vcpus, cells, threads
        self.cpuset, self.nodeset = self.value(id_sets(0, 33)), self.value(id_sets(0, 2))
        self.vcpuset, self.cellset = self.value(id_sets(0, vcpus - 1)), self.value(id_sets(0, max(cells - 1, 0)))
        self.thread = self.number(1, max(threads, 1))

    # --- values -------------------------------------------------------------------------------------------------------

    def value(self, good: Value) -> Value:
        """A good value, or now and then an odd one."""
        odd = self.odd
        if odd is None:
            return good
        return st.integers(1, _ONE_IN).flatmap(lambda drawn: odd if drawn == _ONE_IN else good)

    def number(self, least: int, most: int) -> Value:
        return self.value(st.integers(least, most).map(str))

    def word(self, *words: str | None) -> Value:
        """One of some words; of those None is that there is none."""
        return self.value(st.sampled_from(words))

    def just(self, number: int) -> Value:
        return self.value(st.just(str(number)))

    def size(self, tag: str, **attributes: Value) -> Text:
        return leaf(
            tag, self.number(0, 96), unit=self.word("GiB", "GiB", "G", "MiB", "MB", None, "KiB", "b"), **attributes
        )

    # --- parts, in the order of libvirt -------------------------------------------------------------------------------

    def head(self) -> Text:
        names = st.sampled_from(["db1", "web 2", "ü", "a.b"])
        ignore = element(
            "n:ignore", {"rules": self.word("numatune-missing", "pins"), "reason": self.word("idle", None)}
        )
        suppressions = element(
            "n:suppressions", {"xmlns:n": st.just("https://github.com/numalint/numalint")}, many(ignore)
        )
        return st.tuples(
            maybe(leaf("name", self.value(names))),
            maybe(leaf("uuid", self.word("4dea22b3-1d52-d8f3-2516-782e98ab3fa0"))),
            maybe(element("metadata", {}, suppressions)),
            maybe(self.size("maxMemory", slots=self.number(0, 16))),
            self.size("memory"),
            maybe(self.size("currentMemory")),
        ).map("".join)

    def memory_backing(self) -> Text:
        size, unit = self.number(1, 2048), self.word("KiB", "MiB", "MiB", "GiB", "G", None)
        page = element("page", {"size": size, "unit": unit, "nodeset": st.none() | self.cellset})
        return element(
            "memoryBacking",
            {},
            maybe(element("hugepages", {}, many(page, 3))),
            *(maybe(element(tag, {})) for tag in ("nosharepages", "locked", "discard")),
            maybe(element("source", {"type": self.word("memfd", "file", "anonymous")})),
            maybe(element("access", {"mode": self.word("shared", "private")})),
            maybe(
                element(
                    "allocation", {"mode": self.word("immediate", "ondemand"), "threads": st.none() | self.number(1, 8)}
                )
            ),
        )

    def counts(self) -> Text:
        """The vCPUs and IOThreads: how many, and which."""
        automatic = {"cpuset": st.none() | self.cpuset, "placement": self.word(None, None, "static", "auto")}
        vcpu = leaf("vcpu", self.just(self.vcpus), current=st.none() | self.number(1, self.vcpus), **automatic)
        states = {"enabled": self.word("yes", "yes", "no"), "hotpluggable": self.word(None, "yes", "no")}
        listed = each(
            range(self.vcpus),
            lambda number: element("vcpu", {"id": self.just(number), **states, "order": st.none() | self.number(1, 9)}),
        )
        pool = {"thread_pool_min": st.none() | self.number(0, 4), "thread_pool_max": st.none() | self.number(4, 64)}
        poll = maybe(element("poll", {"max": self.number(0, 999)}))
        threads = each(
            range(1, self.threads + 1), lambda number: element("iothread", {"id": self.just(number), **pool}, poll)
        )
        return st.tuples(
            vcpu,
            maybe(element("vcpus", {}, listed)),
            maybe(leaf("iothreads", self.just(self.threads))),
            maybe(element("iothreadids", {}, threads)),
            maybe(element("defaultiothread", pool)),
        ).map("".join)

    def cputune(self) -> Text:
        on = {"cpuset": self.cpuset}
        policy = {
            "scheduler": self.word("fifo", "rr", "batch", "idle"),
            "priority": self.value(st.none() | st.sampled_from(["1", "99"])),
        }
        cache = {
            "id": self.number(0, 1),
            "level": self.word("3"),
            "type": self.word("both", "code"),
            "size": self.number(1, 9),
            "unit": self.word("MiB"),
        }
        monitor = maybe(element("monitor", {"level": self.word("3"), "vcpus": self.vcpuset}))
        bandwidth = many(element("node", {"id": self.number(0, 1), "bandwidth": self.number(10, 100)}))
        return element(
            "cputune",
            {},
            maybe(leaf("shares", self.number(2, 2048))),
            each(range(self.vcpus), lambda number: element("vcpupin", {"vcpu": self.just(number), **on})),
            maybe(element("emulatorpin", on)),
            each(
                range(1, self.threads + 1), lambda number: element("iothreadpin", {"iothread": self.just(number), **on})
            ),
            many(element("vcpusched", {"vcpus": self.vcpuset, **policy})),
            maybe(element("iothreadsched", {"iothreads": self.thread, **policy})),
            maybe(element("emulatorsched", policy)),
            maybe(element("cachetune", {"vcpus": self.vcpuset}, many(element("cache", cache)), monitor)),
            maybe(element("memorytune", {"vcpus": self.vcpuset}, bandwidth)),
        )

    def numatune(self) -> Text:
        mode = self.word("strict", "strict", "preferred", "interleave", "restrictive", None)
        bound = {"mode": mode, "nodeset": self.nodeset}
        automatic = {"mode": mode, "placement": self.word("auto")}
        return element(
            "numatune",
            {},
            st.one_of(st.just(""), element("memory", bound), element("memory", bound), element("memory", automatic)),
            each(range(self.cells), lambda number: element("memnode", {"cellid": self.just(number), **bound})),
        )

    def machine(self) -> Text:
        arch = {
            "arch": self.word("x86_64", "aarch64", None),
            "machine": self.word("pc-q35-8.2", "pc-i440fx-2.1", "virt", None),
        }
        ioapic = element("ioapic", {"driver": self.word("qemu", "kvm")})
        system = element("os", {}, leaf("type", self.word("hvm"), **arch))
        return st.tuples(maybe(system), maybe(element("features", {}, ioapic))).map("".join)

    def cpu(self) -> Text:
        model = leaf("model", self.word("Haswell", "EPYC"), fallback=self.word(None, "allow"))
        feature = element(
            "feature", {"name": self.word("topoext", "invtsc"), "policy": self.word("require", "disable", None)}
        )
        numa = [maybe(element("numa", {}, each(range(self.cells), self.cell)))] if self.cells else []
        mode = {"mode": self.word("host-passthrough", "host-model", "custom", None)}
        return element("cpu", mode, maybe(model), maybe(self.topology()), maybe(feature), *numa)

    def topology(self) -> Text:
        """Counts that make as many vCPUs as there are, mostly."""
        whole = [(1, self.vcpus, 1), (self.vcpus, 1, 1)]
        whole += [(1, self.vcpus // 2, 2), (2, self.vcpus // 2, 1)] if self.vcpus % 2 == 0 else [(2, 2, 2)]
        dies = {"dies": st.none() | self.number(1, 2), "clusters": st.none() | self.number(1, 2)}
        return st.sampled_from(whole).flatmap(
            lambda counts: element(
                "topology", dict(zip(("sockets", "cores", "threads"), map(self.just, counts), strict=True)) | dies
            )
        )

    def cell(self, id: int) -> Text:
        """A guest cell with its share of the vCPUs."""
        width = -(-self.vcpus // self.cells)
        last = min((id + 1) * width, self.vcpus) - 1
        cpus = f"{id * width}-{last}" if id * width <= last else None
        sibling = each(
            range(self.cells),
            lambda to: element("sibling", {"id": self.just(to), "value": self.word("10", "20", "31", "254")}),
        )
        policy = {"associativity": self.word("direct"), "policy": self.word("writeback")}
        cache = element(
            "cache",
            {"level": self.number(1, 3), **policy},
            element("size", {"value": self.number(1, 64), "unit": self.word("KiB")}),
        )
        return element(
            "cell",
            {
                "id": self.value(st.just(str(id))),
                "cpus": self.value(st.just(cpus)),
                "memory": self.number(1, 64),
                "unit": self.word("GiB", "MiB", None),
                "memAccess": self.word(None, None, "shared", "private"),
            },
            maybe(element("distances", {}, sibling)),
            maybe(cache),
        )

    # --- devices ------------------------------------------------------------------------------------------------------

    def devices(self) -> Text:
        kinds = (self.disk(), self.controller(), self.interface(), self.hostdev(), self.memory(), self.others())
        return element("devices", {}, many(st.one_of(*kinds), 6))

    def address(self) -> Text:
        """A PCI address, on the host or in the guest."""
        parts = {"domain": self.word("0", "0x0000", None), "bus": self.word("0x41", "65", "0x3b", "3b")}
        return element(
            "address", parts | {"slot": self.word("0x00", "0", "0x1f"), "function": self.word("0x0", "1", "7", None)}
        )

    def guest_address(self) -> Text:
        return element(
            "address",
            {"type": st.just("pci"), "bus": self.word("0x00", "0x01", "0x20"), "slot": self.word("0x00", "0x03")},
        )

    def driver(self) -> Text:
        queue = element("queue", {"id": self.number(0, 3)})
        threads = element("iothreads", {}, many(element("iothread", {"id": self.thread}, many(queue))))
        name, queues = self.word("qemu", "vfio", None), st.none() | self.number(1, 8)
        one = element("driver", {"name": name, "queues": queues, "iothread": self.thread})
        return st.just("") | one | element("driver", {"name": name, "queues": queues}, threads)

    def disk(self) -> Text:
        by_path = "/dev/disk/by-path/pci-0000:41:00.0-nvme-1"
        paths = {
            "dev": self.word("/dev/nvme0n1", "/dev/sdb", by_path),
            "file": self.word(None, "/a.img"),
            "namespace": st.none() | self.number(1, 3),
        }
        target = {"dev": self.word("vda", "vdb", "sda"), "bus": self.word("virtio", "scsi", "sata", None)}
        kind = {
            "type": self.word("file", "block", "nvme", "vhostuser", "vhostvdpa", "network"),
            "device": self.word("disk", "cdrom", "lun", None),
        }
        source = element("source", paths, maybe(self.address()))
        return element(
            "disk", kind, self.driver(), maybe(source), element("target", target), maybe(self.guest_address())
        )

    def controller(self) -> Text:
        kind = {
            "type": self.word("pci", "scsi", "virtio-serial", "usb"),
            "index": self.value(st.none() | st.integers(0, 40).map(str)),
        }
        model = {"model": self.word("pcie-root-port", "pxb-pcie", "pcie-expander-bus", "virtio-scsi", None)}
        node = element(
            "target",
            {"busNr": st.none() | self.number(1, 254)},
            maybe(leaf("node", self.number(0, max(self.cells, 1)))),
        )
        return element("controller", kind | model, self.driver(), maybe(node), maybe(self.guest_address()))

    def interface(self) -> Text:
        kind = {"type": self.word("network", "bridge", "direct", "hostdev", "vhostuser", "vdpa")}
        source = {"dev": self.word("ens1f0", "/dev/vhost-vdpa-0", "eth0"), "mode": self.word("bridge", None)}
        mac = element("mac", {"address": self.word("52:54:00:00:00:01")})
        model = element("model", {"type": self.word("virtio", "e1000")})
        return element(
            "interface",
            kind,
            maybe(mac),
            maybe(element("source", source, maybe(self.address()))),
            maybe(model),
            self.driver(),
        )

    def hostdev(self) -> Text:
        mdev = element("address", {"uuid": self.word("c2177883-f1bb-47f0-914d-32a22e3a8804")})
        adapter = element("adapter", {"name": self.word("scsi_host2")})
        source = element(
            "source",
            {"wwpn": self.word(None, "naa.5123456789abcde0")},
            st.one_of(self.address(), self.address(), mdev, adapter),
        )
        kind = {
            "mode": self.word("subsystem", "subsystem", "capabilities", None),
            "type": self.word("pci", "pci", "mdev", "scsi", "scsi_host"),
        }
        return element("hostdev", kind | {"managed": self.word("yes", None)}, source, maybe(self.guest_address()))

    def memory(self) -> Text:
        source = element(
            "source",
            {},
            maybe(leaf("nodemask", self.nodeset)),
            maybe(self.size("pagesize")),
            maybe(leaf("path", self.word("/dev/dax0.0", "/tmp/nvdimm"))),  # noqa: S108  # no file is made
        )
        target = element(
            "target",
            {},
            self.size("size"),
            maybe(leaf("node", self.number(0, max(self.cells, 1)))),
            maybe(self.size("requested")),
        )
        model = {"model": self.word("dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc")}
        return element("memory", model | {"access": self.word(None, "shared")}, maybe(source), target)

    def others(self) -> Text:
        iommu = element(
            "iommu",
            {"model": self.word("intel", "smmuv3")},
            maybe(element("driver", {"eim": self.word("on", "off"), "intremap": self.word("on", None)})),
        )
        virtiofs = element("driver", {"type": self.word("virtiofs", "path")})
        return (
            iommu
            | element("filesystem", {"type": self.word("mount")}, virtiofs)
            | element("shmem", {"name": self.word("a")})
            | element("emulator", {})
        )

    def domain(self) -> Text:
        kind = {"type": self.value(st.sampled_from(["kvm", "kvm", "qemu"]))}
        parts = (self.memory_backing(), self.cputune(), self.numatune(), self.machine(), self.cpu(), self.devices())
        memory_backing, *others = map(maybe, parts)
        return element("domain", kind, self.head(), memory_backing, self.counts(), *others)


@cache
def domains_of(mood: str, vcpus: int, cells: int, threads: int) -> Text:
    return Grammar(mood, vcpus, cells, threads).domain()


def domains(*moods: str) -> Text:
    """Domains in one of some moods."""
    drawn = st.tuples(st.sampled_from(moods), st.integers(1, 8), st.integers(0, 3), st.integers(0, 2))
    return drawn.flatmap(lambda each: domains_of(*each))


ANY_DOMAIN: Text = domains("valid", "valid", "slips", "hostile", "broken")
"""Any domain at all."""

READABLE: Text = domains("valid", "valid", "slips", "hostile")
"""Domains that are XML, of which libvirt may refuse a value."""
