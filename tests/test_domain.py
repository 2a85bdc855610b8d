"""Domain XML as libvirt stores it: what it rewrites, what it refuses."""

from __future__ import annotations

import pytest

from numalint.loaders.document import Document, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.element import c_literal
from numalint.model.domain import ON_HOST, Domain, Trait


def domain(body: str) -> Domain:
    return load_domains(Document("a.xml", f"<domain type='kvm'><name>db</name>{body}</domain>".encode()))[0]


@pytest.mark.parametrize(
    ("body", "maximum", "online"),
    [
        ("", 1, "0"),
        ("<vcpu>8</vcpu>", 8, "0-7"),
        ("<vcpu> 4\n</vcpu>", 4, "0-3"),
        ("<vcpu current='2'>4</vcpu>", 4, "0-1"),
        ("<vcpu>2</vcpu><vcpu>8</vcpu>", 2, "0-1"),
        ("<vcpu current='3'>4</vcpu><vcpus><vcpu id='0' enabled='yes'/><vcpu id='3' enabled='no'/></vcpus>", 4, "0"),
        ("<vcpu>2</vcpu><vcpus><vcpu id='1' enabled='yes'/><vcpu id='2' enabled='yes'/></vcpus>", 2, "1"),
        ("<vcpu>16384</vcpu>", 16384, "0-16383"),
    ],
)
def test_vcpus(body: str, maximum: int, online: str) -> None:
    found = domain(body)
    assert (found.maximum, str(found.online), found.faults) == (maximum, online, ())


@pytest.mark.parametrize(
    ("unit", "number", "size"),
    [
        ("", 1, 1024),
        ("unit='KiB'", 1, 1024),
        ("unit='k'", 1, 1024),
        ("unit='b'", 1, 1024),
        ("unit='bytes'", 2048, 2048),
        ("unit='GB'", 1, 976563 * 1024),
        ("unit='g'", 1, 1024**3),
        ("unit='TiB'", 2, 2 * 1024**4),
        ("unit='M'", 3, 3 * 1024**2),
        ("unit='MB'", 2, 1954 * 1024),
        ("unit='PiB'", 1, 1024**5),
        ("unit='EiB'", 1, 1024**6),
        ("unit='byte'", 1025, 2048),
    ],
)
def test_memory_is_in_bytes_rounded_up_to_whole_kib(unit: str, number: int, size: int) -> None:
    assert domain(f"<memory {unit}>{number}</memory>").memory_bytes == size


def test_cells_overrule_memory_and_cell_0_takes_the_vcpus_of_no_cell() -> None:
    found = domain(
        "<memory unit='GiB'>9</memory><vcpu>6</vcpu><cpu><numa>"
        "<cell cpus='4-5' memory='2' unit='GiB'/><cell cpus='0-1' memory='1' unit='GiB'/></numa></cpu>"
        "<devices><memory model='dimm'><target><size unit='GiB'>1</size><node>0</node></target></memory></devices>"
    )
    assert [(cell.id, str(cell.cpus)) for cell in found.cells] == [(0, "2-5"), (1, "0-1")]
    assert found.memory_bytes == 4 * 1024**3


def test_cell_0_takes_vcpu_0_of_no_cell_and_a_cell_says_whether_its_memory_is_shared() -> None:
    found = domain(
        "<vcpu>3</vcpu><cpu><numa><cell id='0' cpus='2' memory='1' memAccess='shared'/>"
        "<cell id='1' cpus='1' memory='1' memAccess='private'/><cell id='2' memory='1'/></numa></cpu>"
    )
    assert [(str(cell.cpus), str(cell.stated), cell.shared) for cell in found.cells] == [
        ("0,2", "2", True),
        ("1", "1", False),
        ("", "", None),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<cpu><numa><cell cpus='x' memory='1'/></numa></cpu>", "cpus='x' of <cell> is not a set that libvirt reads"),
        ("<cpu><numa><cell cpus='0'/></numa></cpu>", "<cell>: memory is missing"),
        ("<cpu><numa><cell id='a' cpus='0' memory='1'/></numa></cpu>", "<cell>: id is 'a', not a decimal number"),
        ("<memoryBacking><hugepages><page size='x'/></hugepages></memoryBacking>", "<page>: size is 'x', not a"),
        ("<memory unit='KXB'>1</memory>", "<memory>: 'KXB' is no unit that libvirt knows"),
        ("<memory unit='GX'>1</memory>", "<memory>: 'GX' is no unit that libvirt knows"),
        ("<numatune><memnode cellid='0' nodeset='x'/></numatune>", "nodeset='x' of <memnode> is not a set"),
        ("<numatune><memnode nodeset='0'/></numatune>", "<memnode>: cellid is missing"),
        ("<numatune><memnode cellid='0' nodeset='0' mode='loose'/></numatune>", "mode='loose' of <memnode> is not strict"),
        ("<numatune><memory placement='auto' nodeset='x'/></numatune>", "nodeset='x' of <memory> is not a set"),
        ("<numatune><memory placement='here' nodeset='0'/></numatune>", "placement='here' of <memory> is not static or"),
    ],
)  # fmt: skip
def test_what_libvirt_refuses_of_memory_is_one_fault(body: str, message: str) -> None:
    found = domain(body)
    assert [fault.message[: len(message)] for fault in found.faults] == [message]
    assert all(page.size_bytes is not None for page in found.hugepages)
    assert all(each.nodes is not None and each.cell is not None for each in found.written_memnodes)


def test_a_distance_without_a_number_is_a_fault_and_no_distance() -> None:
    siblings = "<sibling id='0' value='10'/><sibling id='x' value='21'/><sibling id='2'/>"
    found = domain(f"<cpu><numa><cell cpus='0' memory='1'><distances>{siblings}</distances></cell></numa></cpu>")
    assert [(each.to, each.value) for each in found.cells[0].distances] == [(0, 10)]
    assert [fault.label for fault in found.faults] == ["id is 'x', not a decimal number", "value is missing"]


def test_a_memnode_without_a_mode_is_strict() -> None:
    found = domain("<numatune><memnode cellid='0' nodeset='1'/><memnode cellid='1' mode='preferred' nodeset='0'/></numatune>")  # fmt: skip
    assert [(each.cell, each.mode, str(each.nodes)) for each in found.written_memnodes] == [
        (0, "strict", "1"),
        (1, "preferred", "0"),
    ]


ADDRESS = "<source><address type='pci' bus='0x3b'/></source>"


@pytest.mark.parametrize(
    ("body", "preallocated"),
    [
        ("", False),
        ("<memoryBacking><allocation mode='immediate'/></memoryBacking>", True),
        ("<memoryBacking><allocation mode='ondemand'/></memoryBacking>", False),
        ("<memoryBacking><locked/></memoryBacking>", True),
        ("<memoryBacking><hugepages/></memoryBacking>", True),
        ("<memoryBacking><hugepages><page size='4'/></hugepages></memoryBacking>", False),
        ("<memoryBacking><hugepages><page size='2048'/></hugepages></memoryBacking>", True),
        (f"<devices><hostdev type='pci'>{ADDRESS}</hostdev></devices>", True),
        (f"<devices><interface type='hostdev'>{ADDRESS}</interface></devices>", True),
        ("<devices><interface type='direct'><source dev='eth0'/></interface></devices>", False),
    ],
)
def test_memory_is_touched_at_start_for_huge_pages_when_locked_and_for_dma(body: str, preallocated: bool) -> None:
    assert domain(body).preallocated is preallocated


@pytest.mark.parametrize(
    ("body", "automatic", "memory"),
    [
        ("<vcpu placement='auto'>2</vcpu>", True, ("strict", None)),
        ("<vcpu placement='auto' cpuset='0-3'>2</vcpu>", True, ("strict", None)),
        ("<vcpu placement='auto'>2</vcpu><numatune><memory mode='preferred' nodeset='1'/></numatune>", True, ("preferred", "1")),
        ("<vcpu>2</vcpu><numatune><memory mode='strict' placement='auto'/></numatune>", True, ("strict", None)),
        ("<vcpu cpuset='0'>2</vcpu><numatune><memory placement='auto'/></numatune>", False, ("strict", None)),
        ("<vcpu>2</vcpu><cputune><emulatorpin cpuset='0'/></cputune><numatune><memory placement='auto' nodeset='1'/></numatune>", False, ("strict", None)),
        ("<vcpu>2</vcpu><numatune><memory mode='interleave' nodeset='0-1'/></numatune>", False, ("interleave", "0-1")),
    ],
)  # fmt: skip
def test_automatic_placement(body: str, automatic: bool, memory: tuple[str, str | None]) -> None:
    found = domain(body)
    assert found.automatic is automatic
    assert found.cpuset is None or not automatic
    assert found.memory is not None
    assert (found.memory.mode, found.memory.nodes and str(found.memory.nodes)) == memory


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ("", ()),
        ("<iothreads>2</iothreads>", (1, 2)),
        ("<iothreads>3</iothreads><iothreadids><iothread id='7'/></iothreadids>", (7, 1, 2)),
        ("<iothreads>1</iothreads><iothreadids><iothread id='2'/><iothread id='4'/></iothreadids>", (2, 4)),
        ("<iothreadids><iothread id='5'/></iothreadids>", (5,)),
        ("<iothreads>2</iothreads><iothreadids><iothread id='2'/></iothreadids>", (2, 1)),
    ],
)
def test_iothread_ids(body: str, ids: tuple[int, ...]) -> None:
    assert domain(body).iothreads == ids


@pytest.mark.parametrize(
    ("text", "value"),
    [("0x3b", 59), ("0X3B", 59), ("59", 59), ("073", 59), ("010", 8), ("0", 0), ("00", 0)]
    + [(text, None) for text in ("3b", "08", "", "-1", " 1", "0x", "1e3", "٣")],
)
def test_numbers_of_pci_addresses_are_c_literals(text: str, value: int | None) -> None:
    assert c_literal(text) == value


DEVICES = """<devices>
  <hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0x3b' slot='010' function='0'/></source></hostdev>
  <hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/></source></hostdev>
  <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>
  <interface type='hostdev'><source><address type='pci' domain='0x10000' bus='0xe1' slot='0' function='0x1'/></source></interface>
  <interface type='direct'><source dev='ens3f0' mode='bridge'/></interface>
  <interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>
  <interface type='network'><source network='default'/></interface>
  <disk type='nvme' device='disk'><source type='pci' namespace='1'><address domain='0' bus='5' slot='0' function='0'/></source></disk>
  <disk type='block' device='disk'><source dev='/dev/disk/by-path/pci-0000:41:00.0-nvme-1'/></disk>
  <disk type='block' device='disk'><source dev='/dev/nvme0n1'/></disk>
  <disk type='file' device='disk'><source file='/a.img'/></disk>
</devices>"""


def test_devices_with_a_host_address() -> None:
    assert [(device.kind, str(device.reference), device.passthrough) for device in domain(DEVICES).devices] == [
        ("hostdev pci", "0000:3b:08.0", True),
        ("hostdev mdev", "c2177883-f1bb-47f0-914d-32a22e3a8804", True),
        ("interface hostdev", "10000:e1:00.1", True),
        ("interface direct", "ens3f0", False),
        ("interface vdpa", "vhost-vdpa-0", True),
        ("disk nvme", "0000:05:00.0", True),
        ("disk block", "0000:41:00.0", False),
        ("disk block", "nvme0n1", False),
    ]
    assert [str(address) for address in domain(DEVICES).pci_devices] == [
        "0000:3b:08.0",
        "10000:e1:00.1",
        "0000:05:00.0",
    ]


GUEST = """<devices>
  <disk type='block' device='lun'><driver name='qemu' iothread='3'/><target dev='sda' bus='scsi'/></disk>
  <disk><target dev='vda' bus='virtio'/><driver name='qemu' queues='4'><iothreads>
    <iothread id='1'><queue id='0'/><queue id='2'/></iothread><iothread id='2'/></iothreads></driver></disk>
  <disk type='vhostuser' device='disk'><source type='unix' path='/s'/></disk>
  <interface type='bridge'><model type='virtio'/><driver name='vhost' queues='8'/></interface>
  <interface type='vhostuser'/>
  <filesystem><driver type='virtiofs'/></filesystem>
  <filesystem><driver type='path'/></filesystem>
  <iommu model='intel'><driver intremap='on' eim='off'/></iommu>
  <iommu model='amd'/>
</devices>"""


def test_the_devices_that_a_guest_has() -> None:
    guest = domain(GUEST).guest
    assert [(each.type, each.device, each.target, each.bus, each.threads) for each in guest.disks] == [
        ("block", "lun", "sda", "scsi", (3,)),
        ("file", "disk", "vda", "virtio", (1, 2)),
        ("vhostuser", "disk", "", None, ()),
    ]
    assert [(each.type, each.model, each.driver, each.queues) for each in guest.interfaces] == [
        ("bridge", "virtio", "vhost", 8),
        ("vhostuser", None, None, 1),
    ]
    assert [each.what for each in guest.shared_memory] == [
        "disk vhostuser",
        "interface vhostuser",
        "filesystem virtiofs",
    ]
    assert (guest.iommu.model, guest.iommu.intremap, guest.iommu.eim) == ("intel", True, False)
    bare = domain("<devices><iommu model='smmuv3'/></devices>").guest.iommu
    assert (bare.intremap, bare.eim) == (None, None)


def test_a_disk_or_a_controller_says_which_iothread_serves_which_of_its_queues() -> None:
    controller = (
        "<controller type='scsi' index='2'><driver iothread='9'/></controller><controller type='virtio-serial'/>"
    )
    found = domain(GUEST.replace("<iommu model='amd'/>", controller)).guest.iothread_uses
    assert [(each.thread, each.user, each.bus, each.queues, each.of, each.place.attribute) for each in found] == [
        (3, "disk sda", "scsi", None, None, "iothread"),
        (1, "disk vda", "virtio", (0, 2), 4, "id"),
        (2, "disk vda", "virtio", (), 4, "id"),
        (9, "controller scsi 2", None, None, None, "iothread"),
    ]


@pytest.mark.parametrize(
    ("driver", "message"),
    [
        ("<driver iothread='x'/>", "<driver>: iothread is 'x', not a decimal number"),
        ("<driver><iothreads><iothread/></iothreads></driver>", "<iothread>: id is missing"),
        (
            "<driver><iothreads><iothread id='1'><queue id='x'/><queue id='1'/></iothread></iothreads></driver>",
            "<queue>: id is 'x', not a decimal number",
        ),
    ],
)
def test_an_iothread_without_a_number_serves_nothing(driver: str, message: str) -> None:
    found = domain(f"<devices><disk>{driver}<target dev='vda'/></disk></devices>")
    assert [fault.message for fault in found.faults] == [message]
    assert [(use.thread, use.queues) for use in found.guest.iothread_uses] == ([(1, (1,))] if "queue" in driver else [])


def test_a_memory_device_has_a_size_a_cell_nodes_pages_and_a_file() -> None:
    found = domain(
        "<devices><memory model='nvdimm'><source><path> /n\n</path><pagesize unit='MiB'>2</pagesize>"
        "<nodemask> 1-2 </nodemask></source><target><size unit='GiB'>1</size><node>3</node></target></memory>"
        "<memory model='dimm'><source><path/></source></memory><memory/></devices>"
    )
    assert [
        (each.model, each.size_bytes, each.cell, each.nodes and str(each.nodes), each.path, each.page_bytes)
        for each in found.guest.memory
    ] == [
        ("nvdimm", 1 << 30, 3, "1-2", "/n", 2 << 20),
        ("dimm", 0, None, None, None, None),
        ("", 0, None, None, None, None),
    ]
    assert found.faults == ()


@pytest.mark.parametrize(
    ("address", "bus"),
    [
        ("<address type='pci' bus='0x07'/>", 7),
        ("<address bus='12'/>", 12),
        ("<address type='pci' slot='1'/>", None),
        ("<address type='drive' bus='1'/>", None),
        ("", None),
    ],
)
def test_a_controller_sits_on_a_pci_bus_of_the_guest(address: str, bus: int | None) -> None:
    (found,) = domain(f"<devices><controller type='scsi'>{address}</controller></devices>").guest.controllers
    assert found.bus == bus


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<vcpu>0</vcpu>", "a domain cannot have 0 vCPUs"),
        ("<vcpu>{{ n }}</vcpu>", "<vcpu>: its content is '{{ n }}', not a decimal number"),
        ("<vcpu current='9'>8</vcpu>", "current='9' is not from 1 to 8"),
        ("<cputune><vcpupin vcpu='0x1' cpuset='0'/></cputune>", "<vcpupin>: vcpu is '0x1', not a decimal number"),
        ("<cputune><vcpupin vcpu='0'/></cputune>", "<vcpupin> has no cpuset"),
        (
            "<cputune><vcpupin vcpu='0' cpuset='0-7,^2-3'/></cputune>",
            "cpuset='0-7,^2-3' of <vcpupin> is not a set that libvirt reads: a range cannot be excluded: "
            "write ^N for each number",
        ),
        ("<numatune><memory mode='strict'/></numatune>", "<memory> has no nodeset"),
        ("<memory unit='XB'>1</memory>", "<memory>: 'XB' is no unit that libvirt knows"),
        (
            "<devices><hostdev type='pci'><source><address bus='3b'/></source></hostdev></devices>",
            "bus='3b' of a PCI <address> is not a number from 0 to 0xff",
        ),
    ],
)
def test_what_libvirt_refuses_is_a_fault(body: str, message: str) -> None:
    assert [fault.message for fault in domain(body).faults] == [message]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<vcpu>16385</vcpu>", "a domain cannot have 16385 vCPUs"),
        ("<vcpu current='0'>8</vcpu>", "current='0' is not from 1 to 8"),
        ("<vcpu current='1'>x</vcpu>", "<vcpu>: its content is 'x', not a decimal number"),
        ("<vcpus><vcpu id='x' enabled='yes'/></vcpus>", "<vcpu>: id is 'x', not a decimal number"),
        ("<iothreadids><iothread/></iothreadids>", "<iothread>: id is missing"),
        ("<cputune><vcpusched scheduler='fifo' priority='1'/></cputune>", "<vcpusched> has no vcpus"),
        ("<cpu><topology sockets='0' cores='1' threads='1'/></cpu>", "sockets='0' of <topology>: zero is not permitted"),
    ],
)  # fmt: skip
def test_a_value_that_libvirt_refuses_is_a_fault_and_counts_for_nothing(body: str, message: str) -> None:
    found = domain(body)
    assert [fault.message for fault in found.faults] == [message]
    assert (found.listed_vcpus, found.listed_iothreads, found.schedulers) == ((), (), ())
    assert found.topology is None or found.topology.vcpus == 1


@pytest.mark.parametrize(
    ("cpuset", "at", "message"),
    [
        ("0-3,four,5", "four", "cpuset='0-3,four,5' of <emulatorpin> is not a set that libvirt reads: 'four,5' is not"),
        ("0-3,4-1", "4-1", "cpuset='0-3,4-1' of <emulatorpin> is not a set that libvirt reads: the range 4-1 runs"),
        ("0,^0", None, "cpuset='0,^0' of <emulatorpin> is not a set that libvirt reads: everything in it is excluded"),
        ("0," * 24 + "x", "x", f"cpuset='{'0,' * 24}...' of <emulatorpin> is not a set that libvirt reads: 'x' is not"),
        ("0," * 23 + "0x", "x", f"cpuset='{'0,' * 23}0x' of <emulatorpin> is not a set that libvirt reads: 'x' is not"),
    ],
)  # fmt: skip
def test_a_set_that_libvirt_refuses_is_quoted_and_pointed_at_where_it_is_wrong(
    cpuset: str, at: str | None, message: str
) -> None:
    (fault,) = domain(f"<cputune><emulatorpin cpuset='{cpuset}'/></cputune>").faults
    term = fault.place.term
    assert fault.message.startswith(message)
    assert (fault.rule, fault.place.attribute) == ("cpuset-syntax", "cpuset")
    assert (term and cpuset[slice(*term)]) == at


def test_a_fault_is_at_the_attribute_that_is_wrong_and_at_the_element_that_lacks_one() -> None:
    wrong, lacking = domain("<cputune><vcpupin vcpu='x' cpuset='0'/><vcpupin cpuset='0'/></cputune>").faults
    assert [fault.place.attribute for fault in (wrong, lacking)] == ["vcpu", None]
    assert {fault.rule for fault in (wrong, lacking)} == {"malformed-domain"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<vcpu placement='here'>1</vcpu>", "placement='here' of <vcpu> is not static or auto"),
        (
            "<numatune><memory mode='loose' nodeset='0'/></numatune>",
            "mode='loose' of <memory> is not strict, preferred, interleave or restrictive",
        ),
    ],
)
def test_a_word_that_libvirt_does_not_know_is_answered_with_those_that_it_does(body: str, message: str) -> None:
    assert [fault.message for fault in domain(body).faults] == [message]


@pytest.mark.parametrize(
    ("cpuset", "vain"),
    [
        ("0-7,^3", []),
        ("^3,0-7", [(3, True)]),
        ("0-1,^1,1", [(1, True)]),
        ("0-1,^5", [(5, False)]),
        ("^0,1", [(0, False)]),
        ("0-2,^0,^0", [(0, False)]),
        ("0-2,^0,^2", []),
    ],
)
def test_an_exclusion_that_takes_nothing_is_kept_with_whether_its_number_is_in_the_set(
    cpuset: str, vain: list[tuple[int, bool]]
) -> None:
    found = domain(f"<cputune><emulatorpin cpuset='{cpuset}'/></cputune>").exclusions
    assert [(each.number, each.kept) for each in found] == vain


SCHEDULERS = """<cputune>
  <vcpusched vcpus='0-1,^0' scheduler='fifo' priority='7'/>
  <iothreadsched iothreads='2-3' scheduler='rr' priority='1'/>
  <emulatorsched scheduler='idle'/>
</cputune>"""


def test_schedulers_of_each_kind_of_thread() -> None:
    found = domain(SCHEDULERS).schedulers
    assert [(each.thread, str(each.ids), each.policy, each.priority) for each in found] == [
        ("vcpu", "1", "fifo", 7),
        ("iothread", "2-3", "rr", 1),
        ("emulator", "", "idle", None),
    ]


def test_the_cpu_that_a_guest_is_given() -> None:
    found = domain(
        "<features><ioapic driver='qemu'/></features><cpu mode='custom'><model> EPYC\n</model>"
        "<topology sockets='2' dies='3' clusters='4' cores='5' threads='6'/>"
        "<feature policy='disable' name='x2apic'/><feature name='pcid'/></cpu>"
    )
    assert (found.ioapic, found.cpu_mode, found.cpu_model) == ("qemu", "custom", "EPYC")
    assert found.cpu_features == {"x2apic": "disable", "pcid": "require"}
    topology = found.topology
    assert (topology.sockets, topology.dies, topology.clusters, topology.cores, topology.threads) == (2, 3, 4, 5, 6)


def test_a_domain_behind_something_else_is_refused() -> None:
    with pytest.raises(LoadError):
        load_domains(Document("a.xml", b"Domain db:\n<domain/>"))


def test_a_status_a_snapshot_and_a_stream_hold_domains() -> None:
    inner = "<domain type='kvm'><name>{}</name><vcpu>2</vcpu><os><type>hvm</type></os></domain>"
    status = f"<domstatus state='running'>{inner.format('a')}</domstatus>"
    snapshot = f"<domainsnapshot><name>s</name>{inner.format('b')}</domainsnapshot>"
    stub = "<domainsnapshot><name>s</name><domain><uuid>1</uuid></domain></domainsnapshot>"
    stream = f"<?xml version='1.0'?>\n{inner.format('c')}\n<?xml version='1.0'?>\n{inner.format('d')}"
    names = [[found.name for found in load_domains(Document("a.xml", text.encode()))] for text in (status, snapshot, stub, stream)]  # fmt: skip
    assert names == [["a"], ["b"], [], ["c", "d"]]


TRAITS = {
    Trait.PINS: "<cputune><emulatorpin cpuset='1'/></cputune>",
    Trait.CPUSET: "<vcpu cpuset='1'>1</vcpu>",
    Trait.AUTOMATIC: "<vcpu placement='auto'>1</vcpu>",
    Trait.OFFLINE_VCPUS: "<vcpu current='1'>2</vcpu>",
    Trait.NUMATUNE: "<numatune><memory mode='strict' nodeset='0'/></numatune>",
    Trait.LOOSE_BINDING: "<numatune><memory mode='interleave' nodeset='0'/></numatune>",
    Trait.MEMNODES: "<numatune><memnode cellid='0' mode='strict' nodeset='0'/></numatune>",
    Trait.CELLS: "<cpu><numa><cell id='0' cpus='0' memory='1'/></numa></cpu>",
    Trait.SEVERAL_CELLS: "<cpu><numa><cell id='0' cpus='0' memory='1'/><cell id='1' memory='1'/></numa></cpu>",
    Trait.TOPOLOGY: "<cpu><topology sockets='1' cores='1' threads='1'/></cpu>",
    Trait.HUGEPAGES: "<memoryBacking><hugepages><page size='4' nodeset='0'/></hugepages></memoryBacking>",
    Trait.PREALLOCATED: "<memoryBacking><locked/></memoryBacking>",
    Trait.IOTHREADS: "<iothreads>1</iothreads>",
    Trait.SCHEDULERS: "<cputune><vcpusched vcpus='0' scheduler='batch'/></cputune>",
    Trait.REALTIME: "<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune>",
    Trait.HOST_DEVICES: "<devices><hostdev type='mdev'><source><address uuid='a'/></source></hostdev></devices>",
    Trait.DISKS: "<devices><disk/></devices>",
    Trait.INTERFACES: "<devices><interface/></devices>",
    Trait.EXPANDERS: "<devices><controller type='pci'><target><node>0</node></target></controller></devices>",
    Trait.MEMORY_DEVICES: "<devices><memory model='dimm'/></devices>",
    Trait.SHARED_MEMORY: "<devices><filesystem><driver type='virtiofs'/></filesystem></devices>",
    Trait.FAULTS: "<vcpu cpuset='x'>1</vcpu>",
    Trait.EXCLUSIONS: "<cputune><emulatorpin cpuset='1,^3'/></cputune>",
    Trait.REPEATED: "<vcpu>1</vcpu><vcpu>1</vcpu>",
    Trait.LISTED_VCPUS: "<vcpus><vcpu id='0' enabled='yes'/></vcpus>",
    Trait.NUMA: "<cpu><numa/></cpu>",
    Trait.MORE_MEMORY: "<maxMemory slots='1'>1</maxMemory>",
}
IMPLIED = {
    Trait.EXCLUSIONS: Trait.PINS,
    Trait.LOOSE_BINDING: Trait.NUMATUNE,
    Trait.AUTOMATIC: Trait.NUMATUNE,
    Trait.MEMNODES: Trait.NUMATUNE,
    Trait.CELLS: Trait.NUMA,
    Trait.SEVERAL_CELLS: Trait.NUMA | Trait.CELLS,
    Trait.REALTIME: Trait.SCHEDULERS,
    Trait.MEMORY_DEVICES: Trait.MORE_MEMORY,
}
"""What comes with a trait of those above."""


@pytest.mark.parametrize("trait", TRAITS, ids=lambda trait: trait.name)
def test_a_domain_has_the_trait_of_what_is_in_it(trait: Trait) -> None:
    found = domain(TRAITS[trait])
    assert found.traits == trait | IMPLIED.get(trait, Trait(0)) | ON_HOST


def test_every_trait_is_that_of_something() -> None:
    bare = domain("")
    assert bare.traits == ON_HOST
    assert set(TRAITS) == set(Trait) - set(ON_HOST)
