"""Where each kind of reference that a domain can make is on the host, by the host's own names; never by a guess."""

from __future__ import annotations

import pytest

from numalint.loaders.document import Document
from numalint.loaders.domain import load_domains
from numalint.loaders.host import hwloc, nodedev
from numalint.model.device_name import canonical_name, whole_disk
from numalint.model.domain import Domain
from numalint.model.host import Host, PciAddress, PciDevice
from numalint.model.placement import Placement


def by_nodedev(*texts: str) -> Host:
    return nodedev.load_all([Document(f"{number}.xml", text.encode()) for number, text in enumerate(texts)])


def by_hwloc(inside: str) -> Host:
    text = f"""<topology version="2.0"><object type="Machine" cpuset="0xf" nodeset="0x3">
  <object type="Package" os_index="0" cpuset="0x3" nodeset="0x1">
    <object type="NUMANode" os_index="0" cpuset="0x3" local_memory="1"/>
    <object type="PU" os_index="0"/><object type="PU" os_index="1"/>
  </object>
  <object type="Package" os_index="1" cpuset="0xc" nodeset="0x2">
    <object type="NUMANode" os_index="1" cpuset="0xc" local_memory="1"/>
    <object type="PU" os_index="2"/><object type="PU" os_index="3"/>{inside}
  </object>
</object></topology>"""
    return hwloc.load(Document("h.xml", text.encode()), pytest.fail)


def node_of(device: str, host: Host) -> int | None:
    """The node of the only device of a domain."""
    text = f"<domain type='kvm'><name>db</name><devices>{device}</devices></domain>"
    (domain,) = load_domains(Document("a.xml", text.encode()))
    (found,) = domain.devices
    return Placement(domain, host).node_of(found)


def pci(bus: int, inside: str = "", *, slot: int = 0, function: int = 0, parent: str = "computer") -> str:
    return f"""<device><name>pci_0000_{bus:02x}_{slot:02x}_{function}</name><parent>{parent}</parent>
      <capability type='pci'><domain>0</domain><bus>{bus}</bus><slot>{slot}</slot><function>{function}</function>{inside}
      </capability></device>"""


def below(name: str, parent: str, kind: str, inside: str, path: str = "") -> str:
    return f"""<device><name>{name}</name>{path and f"<path>{path}</path>"}<parent>{parent}</parent>
      <capability type='{kind}'>{inside}</capability></device>"""


UUID = "4b20d080-1b54-4048-85b3-a6a62d165c01"
NVME_LINKS = (
    "<devnode type='dev'>/dev/nvme0n1</devnode>"
    "<devnode type='link'>/dev/disk/by-id/nvme-QEMU_realvirt1</devnode>"
    "<devnode type='link'>/dev/disk/by-path/pci-0000:05:00.0-nvme-1</devnode>"
)
FC = "<host>7</host><capability type='fc_host'><wwnn>2000f4e9d4eb02c9</wwnn><wwpn>2001F4E9D4EB02C9</wwpn></capability>"

# Buses 3 and 5 are on node 1, bus 4 on node 0, bus 6 says nothing.
HOST = by_nodedev(
    "<device><name>computer</name><capability type='system'/></device>",
    pci(3, "<numa node='1'/>"),
    pci(4, "<numa node='0'/>"),
    pci(5, "<numa node='1'/>"),
    pci(6),
    below("net_ens3f0_52", "pci_0000_03_00_0", "net", "<interface>ens3f0</interface>"),
    below("net_ens6_52", "pci_0000_06_00_0", "net", "<interface>ens6</interface>"),
    below("net_bond0_52", "computer", "net", "<interface>bond0</interface>", "/sys/devices/virtual/net/bond0"),
    below("net_br0_52", "computer", "net", "<interface>br0</interface>", "/sys/devices/virtual/net/br0"),
    below("block_nvme0n1_X", "pci_0000_05_00_0", "storage", "<block>/dev/nvme0n1</block>").replace(
        "<parent>", NVME_LINKS + "<parent>", 1
    ),
    below("scsi_host7", "pci_0000_03_00_0", "scsi_host", FC),
    below("scsi_target7_0_0", "scsi_host7", "scsi_target", "<target>target7:0:0</target>"),
    below("scsi_7_0_0_0", "scsi_target7_0_0", "scsi", "<host>7</host>"),
    below("block_sda_X", "scsi_7_0_0_0", "storage", "<block>/dev/sda</block>"),
    below("block_dm_0", "computer", "storage", "<block>/dev/dm-0</block>", "/sys/devices/virtual/block/dm-0").replace(
        "<parent>", "<devnode type='link'>/dev/mapper/vg-lv</devnode><parent>", 1
    ),
    below(
        "block_nvme9n1_X",
        "computer",
        "storage",
        "<block>/dev/nvme9n1</block>",
        "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme9n1",
    ),
    below(f"mdev_{UUID.replace('-', '_')}_0000_03_00_0", "pci_0000_03_00_0", "mdev", "<type id='nvidia-11'/>"),
    below(
        "mdev_c60cc60c_c60c_c60c_c60c_c60cc60cc60c_0000_05_00_0",
        "elsewhere",
        "mdev",
        "<uuid>c60cc60c-c60c-c60c-c60c-c60cc60cc60c</uuid><parent_addr>0000:05:00.0</parent_addr>",
    ),
    below("vdpa_vdpa0", "pci_0000_05_00_0", "vdpa", "<chardev>/dev/vhost-vdpa-0</chardev>"),
    below("vdpa_vdpa1", "computer", "vdpa", "<chardev>/dev/vhost-vdpa-1</chardev>", "/sys/devices/vdpa1"),
)


def hostdev(kind: str, source: str) -> str:
    return f"<hostdev mode='subsystem' type='{kind}'><source>{source}</source></hostdev>"


def block(path: str) -> str:
    return f"<disk type='block'><source dev='{path}'/></disk>"


def direct(name: str) -> str:
    return f"<interface type='direct'><source dev='{name}' mode='vepa'/></interface>"


@pytest.mark.parametrize(
    ("device", "node"),
    [
        (hostdev("pci", "<address domain='0' bus='0x03' slot='0' function='0'/>"), 1),
        (hostdev("pci", "<address domain='0' bus='4' slot='0' function='0'/>"), 0),
        (hostdev("pci", "<address domain='0' bus='6' slot='0' function='0'/>"), None),
        (hostdev("pci", "<address domain='0' bus='9' slot='0' function='0'/>"), None),
        ("<interface type='hostdev'><source><address type='pci' bus='0x5'/></source></interface>", 1),
        (direct("ens3f0"), 1),
        (direct("ens6"), None),
        (direct("ens3f1"), None),
        (direct("ens3f0.100"), None),
        (direct("bond0"), None),
        (direct("br0"), None),
        (
            "<interface type='network'><source network='n'/><actual type='direct'><source dev='ens3f0' mode='bridge'/>"
            "</actual></interface>",
            1,
        ),
        (
            "<interface type='network'><source network='n'/><actual type='hostdev'><source><address type='pci' bus='4'/>"
            "</source></actual></interface>",
            0,
        ),
        ("<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>", 1),
        ("<interface type='vdpa'><source dev='/dev/vhost-vdpa-1'/></interface>", None),
        ("<disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-0'/></disk>", 1),
        ("<disk type='nvme'><source type='pci' namespace='1'><address bus='0x05' slot='0' function='0'/></source></disk>", 1),
        (block("/dev/nvme0n1"), 1),
        (block("/dev/nvme0n1p1"), 1),
        (block("/dev/nvme0n1p12"), 1),
        (block("/dev/nvme0n2"), None),
        (block("/dev/nvme0n1p"), None),
        (block("/dev/nvme9n1"), None),
        (block("/dev/sda"), 1),
        (block("/dev/sda1"), 1),
        (block("/dev/sdaa1"), None),
        (block("/dev/dm-0"), None),
        (block("/dev/mapper/vg-lv"), None),
        (block("/dev/vg/lv"), None),
        (block("/dev/disk/by-path/pci-0000:05:00.0-nvme-1"), 1),
        (block("/dev/disk/by-path/pci-0000:05:00.0-nvme-1-part2"), 1),
        (block("/dev/disk/by-path/virtio-pci-0000:04:00.0"), 0),
        (block("/dev/disk/by-path/pci-0000:06:00.0-ata-1"), None),
        (block("/dev/disk/by-path/ip-10.0.0.1:3260-iscsi-x-lun-0"), None),
        (block("/dev/disk/by-id/nvme-QEMU_realvirt1"), 1),
        (block("/dev/disk/by-id/nvme-QEMU_realvirt1-part3"), 1),
        (block("/dev/disk/by-id/wwn-0x5000"), None),
        (hostdev("mdev", f"<address uuid='{UUID}'/>"), 1),
        (hostdev("mdev", f"<address uuid='{UUID.upper()}'/>"), 1),
        (hostdev("mdev", f"<address uuid='{UUID.replace('-', '')}'/>"), 1),
        (hostdev("mdev", "<address uuid='c60cc60c-c60c-c60c-c60c-c60cc60cc60c'/>"), 1),
        (hostdev("mdev", "<address uuid='00000000-0000-0000-0000-000000000000'/>"), None),
        (hostdev("scsi", "<adapter name='scsi_host7'/><address bus='0' target='0' unit='0'/>"), 1),
        (hostdev("scsi", "<adapter name='scsi_host8'/>"), None),
        ("<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.2001f4e9d4eb02c9'/></hostdev>", 1),
        ("<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.50014057667280d8'/></hostdev>", None),
        ("<memory model='nvdimm'><source><path>/dev/dax0.0</path></source></memory>", None),
    ],
)  # fmt: skip
def test_node_of_a_device_by_what_libvirt_lists(device: str, node: int | None) -> None:
    assert node_of(device, HOST) == node


LSTOPO = by_hwloc("""
    <object type="Bridge" bridge_type="0-1" bridge_pci="0000:[41-42]">
      <object type="PCIDev" pci_busid="0000:41:00.0">
        <object type="OSDev" name="enp65s0" osdev_type="2"/><object type="OSDev" name="mlx5_0" osdev_type="3"/>
      </object>
      <object type="PCIDev" pci_busid="0000:42:00.0"><object type="OSDev" name="nvme0n1" osdev_type="0"/></object>
    </object>
    <object type="OSDev" name="dax0.0" osdev_type="0" subtype="NVM"/>
    <object type="OSDev" name="pmem1" osdev_type="0" subtype="NVM"/>""")


@pytest.mark.parametrize(
    ("device", "node"),
    [
        (direct("enp65s0"), 1),
        (direct("bond0"), None),
        (block("/dev/nvme0n1p1"), 1),
        (block("/dev/disk/by-path/pci-0000:42:00.0-nvme-1"), 1),
        (block("/dev/disk/by-id/nvme-X"), None),
        (block("/dev/sda"), None),
        (hostdev("pci", "<address domain='0' bus='0x42' slot='0x1f' function='7'/>"), 1),
        (hostdev("pci", "<address domain='0' bus='0x43' slot='0' function='0'/>"), None),
        ("<memory model='nvdimm'><source><path> /dev/dax0.0\n</path></source></memory>", 1),
        ("<memory model='virtio-pmem'><source><path>/dev/pmem1p1</path></source></memory>", 1),
        ("<memory model='nvdimm'><source><path>/dev/dax1.0</path></source></memory>", None),
    ],
)
def test_node_of_a_device_by_hwloc(device: str, node: int | None) -> None:
    assert node_of(device, LSTOPO) == node


def test_hwloc_device_on_the_whole_machine_of_several_nodes_is_unknown() -> None:
    machine = "</object><object type='OSDev' name='sda' osdev_type='0'/><object type='Group'>"
    assert node_of(block("/dev/sda"), by_hwloc(machine)) is None


def test_two_devices_with_one_name_are_none() -> None:
    interface = "<interface>eth0</interface>"
    host = by_nodedev(
        pci(3, "<numa node='1'/>"),
        pci(4, "<numa node='0'/>"),
        below("net_eth0_a", "pci_0000_03_00_0", "net", interface),
        below("net_eth0_b", "pci_0000_04_00_0", "net", interface),
        below("net_eth1", "pci_0000_04_00_0", "net", "<interface>eth1</interface>"),
    )
    assert node_of(direct("eth0"), host) is None
    assert node_of(direct("eth1"), host) == 0


def test_parent_whose_name_two_devices_have_is_none() -> None:
    twice = [pci(bus, f"<numa node='{node}'/>").replace(f"pci_0000_0{bus}_00_0", "pci_8086_10c9") for bus, node in ((3, 1), (4, 0))]  # fmt: skip
    nic = below("net_eth0", "pci_8086_10c9", "net", "<interface>eth0</interface>")
    assert node_of(direct("eth0"), by_nodedev(*twice, nic)) is None


def test_device_that_two_files_put_on_different_nodes_has_none() -> None:
    host = by_nodedev(pci(3, "<numa node='1'/>"), pci(3, "<numa node='0'/>"))
    assert node_of(hostdev("pci", "<address bus='3'/>"), host) is None
    assert host.notes == ("PCI device 0000:03:00.0 is described twice, on different nodes: its node is not known",)


VF = hostdev("pci", "<address domain='0' bus='3' slot='0x10' function='1'/>")
OF_BUS_3 = "<address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>"


def test_virtual_function_without_a_node_is_where_its_physical_function_is() -> None:
    physical = pci(3, "<numa node='1'/>")
    link = f"<capability type='phys_function'>{OF_BUS_3}</capability>"
    assert node_of(VF, by_nodedev(physical, pci(3, link, slot=16, function=1))) == 1


def test_virtual_function_that_only_its_physical_function_lists() -> None:
    own = "<address domain='0x0000' bus='0x03' slot='0x10' function='0x1'/>"
    physical = pci(3, f"<numa node='1'/><capability type='virt_functions' maxCount='7'>{own}</capability>")
    host = by_nodedev(physical)
    assert node_of(VF, host) == 1
    assert host.pci[PciAddress(0, 3, 16, 1)].physical_function == PciAddress(0, 3, 0, 0)
    assert node_of(VF, by_nodedev(pci(3, "<numa node='1'/>"))) is None


def test_virtual_function_and_physical_function_from_different_inputs() -> None:
    physical, virtual = PciAddress(0, 3, 0, 0), PciAddress(0, 3, 16, 1)
    devices = [PciDevice(physical, 1), PciDevice(virtual, None, physical_function=physical)]
    assert Host("h", pci={device.address: device for device in devices}).node_of_pci(virtual) == 1


@pytest.mark.parametrize(
    ("address", "said", "hexadecimal"),
    [
        ("bus='0x10'", "0000:10:00.0", None),
        ("bus='10'", "0000:0a:00.0", "0000:10:00.0"),
        ("bus='010'", "0000:08:00.0", "0000:10:00.0"),
        ("bus='9' slot='7'", "0000:09:07.0", None),
        ("bus='9' slot='11'", "0000:09:0b.0", "0000:09:11.0"),
        ("bus='0X9' slot='11'", "0000:09:0b.0", "0000:09:11.0"),
        ("bus='0X1f' slot='0x1F'", "0000:1f:1f.0", None),
        ("bus='99'", "0000:63:00.0", "0000:99:00.0"),
        ("bus='100'", "0000:64:00.0", None),
        ("slot='19'", "0000:00:13.0", "0000:00:19.0"),
        ("slot='20'", "0000:00:14.0", None),
        ("domain='4294967295' function='7'", "ffffffff:00:00.7", None),
    ],
)
def test_a_pci_address_is_read_as_c_does_and_as_lspci_would_where_that_differs(
    address: str, said: str, hexadecimal: str | None
) -> None:
    text = f"<domain><name>d</name><devices>{hostdev('pci', f'<address {address}/>')}</devices></domain>"
    (device,) = load_domains(Document("a.xml", text.encode()))[0].devices
    assert str(device.reference) == said
    assert (device.in_hexadecimal and str(device.in_hexadecimal)) == hexadecimal


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("domain='4294967296'", "domain='4294967296' of a PCI <address> is not a number from 0 to 0xffffffff"),
        ("bus='256'", "bus='256' of a PCI <address> is not a number from 0 to 0xff"),
        ("slot='0x20'", "slot='0x20' of a PCI <address> is not a number from 0 to 0x1f"),
        ("function='8'", "function='8' of a PCI <address> is not a number from 0 to 0x7"),
    ],
)
def test_a_pci_address_that_cannot_be_is_a_fault_and_no_device(address: str, message: str) -> None:
    text = f"<domain><name>d</name><devices>{hostdev('pci', f'<address {address}/>')}</devices></domain>"
    (domain,) = load_domains(Document("a.xml", text.encode()))
    assert ([fault.message for fault in domain.faults], domain.devices) == ([message], ())


def devices(inside: str) -> Domain:
    return load_domains(Document("a.xml", f"<domain><name>d</name><devices>{inside}</devices></domain>".encode()))[0]


@pytest.mark.parametrize(
    "device",
    [
        hostdev("usb", "<adapter name='scsi_host7'/><vendor id='0x1'/>"),
        "<hostdev mode='subsystem' type='usb'><source wwpn='naa.2001f4e9d4eb02c9'/></hostdev>",
        "<hostdev mode='capabilities' type='pci'><source><address bus='3'/></source></hostdev>",
        "<interface type='hostdev'><source><address type='usb' bus='3'/></source></interface>",
        "<interface type='bridge'><source bridge='br0' dev='ens3f0'/></interface>",
        "<interface type='direct'><source dev='' mode='vepa'/></interface>",
        "<disk type='file'><source file='/a' dev='/dev/sda'/></disk>",
        "<disk type='nvme'><source type='pci'/></disk>",
        "<disk type='block'/>",
        "<memory model='nvdimm'><source><path/></source></memory>",
        "<memory model='dimm'><source><pagesize>4</pagesize></source></memory>",
    ],
)
def test_a_device_that_names_none_of_the_host_is_passed_over(device: str) -> None:
    found = devices(device)
    assert (found.devices, found.faults) == ((), ())


@pytest.mark.parametrize(
    ("device", "name", "tag", "attribute"),
    [
        (block("/dev/sda"), "sda", "source", "dev"),
        (block("/dev/disk/by-path/pci-0000:05:00.0-nvme-1"), "0000:05:00.0", "source", "dev"),
        (direct("ens3f0"), "ens3f0", "source", "dev"),
        (hostdev("scsi", "<adapter name='scsi_host7'/>"), "scsi_host7", "adapter", "name"),
        (hostdev("pci", "<address bus='3'/>"), "0000:03:00.0", "address", None),
        ("<disk type='nvme'><source type='pci'><address bus='5'/></source></disk>", "0000:05:00.0", "address", None),
        ("<memory model='nvdimm'><source><path> /dev/dax0.0 </path></source></memory>", "dax0.0", "path", None),
    ],
)
def test_a_device_is_called_what_the_domain_calls_it_and_is_where_that_is_written(
    device: str, name: str, tag: str, attribute: str | None
) -> None:
    found = devices(device)
    (each,) = found.devices
    assert (str(each.reference), each.place.locator.tag, each.place.attribute) == (name, tag, attribute)
    assert found.faults == ()


def test_a_hostdev_without_a_source_is_a_fault() -> None:
    assert [fault.message for fault in devices("<hostdev type='pci'/>").faults] == ["<hostdev> has no <source>"]


BUS = "<controller type='pci' index='0' model='pcie-root'/>"
PXB = "<controller type='pci' index='1' model='pxb'><target><node>1</node></target></controller>"
SCSI = "<controller type='scsi' index='0' model='virtio-scsi'><driver iothread='1'/></controller>"


@pytest.mark.parametrize(
    ("controllers", "telling"),
    [
        (BUS, []),
        (BUS + SCSI, [("scsi", 0, None, True)]),
        (BUS + PXB, [("pci", 1, 1, False)]),
        (SCSI + BUS + PXB, [("scsi", 0, None, True), ("pci", 1, 1, False)]),
    ],
)
def test_of_the_controllers_those_are_known_that_have_a_cell_or_a_thread(controllers: str, telling: list) -> None:
    found = [each for each in devices(controllers).guest.controllers if each.cell is not None or each.threaded]
    assert [(each.type, each.index, each.cell, each.threaded) for each in found] == telling


def test_the_index_of_a_pci_controller_is_a_number_all_the_same() -> None:
    messages = [fault.message for fault in devices("<controller type='pci' index='x'/><controller type='pci'/>").faults]
    assert messages == ["<controller>: index is 'x', not a decimal number"]


def test_memory_in_files_is_no_device() -> None:
    text = "".join(
        f"<memory model='nvdimm'><source><path>{path}</path></source></memory>"
        for path in ("/dev/shm/n0", "/dev/hugepages/n0", "/var/lib/n0")  # noqa: S108  # what a domain says
    )
    (domain,) = load_domains(Document("a.xml", f"<domain><name>d</name><devices>{text}</devices></domain>".encode()))
    assert domain.devices == ()


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("/dev/nvme0n1", "nvme0n1"),
        ("ens3f0", "ens3f0"),
        (UUID.replace("-", "_").upper(), UUID),
        ("naa.2001F4E9D4EB02C9", "2001f4e9d4eb02c9"),
        ("0x2001f4e9d4eb02c9", "2001f4e9d4eb02c9"),
        ("vhost-vdpa-0", "vhost-vdpa-0"),
    ],
)
def test_canonical_names(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


@pytest.mark.parametrize(
    ("name", "disk"),
    [
        ("nvme0n1p1", "nvme0n1"),
        ("nvme0n1", None),
        ("sda15", "sda"),
        ("xvdb1", "xvdb"),
        ("mmcblk0p2", "mmcblk0"),
        ("pmem0.1p1", "pmem0.1"),
        ("pmem0s1", None),
        ("cciss/c0d0p1", "cciss/c0d0"),
        ("disk/by-id/ata-X-part1", "disk/by-id/ata-X"),
        ("enp3s0f0p1", None),
        ("loop0p1", None),
        ("sda", None),
    ],
)
def test_disk_of_a_partition(name: str, disk: str | None) -> None:
    assert whole_disk(name) == disk
