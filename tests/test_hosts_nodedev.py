import pytest

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import nodedev
from numalint.loaders.xml import locate
from numalint.model.host import Fact, Host, PciAddress


def load(*texts: str) -> Host:
    return nodedev.load_all([Document(f"{number}.xml", text.encode()) for number, text in enumerate(texts)])


def pci(name: str, bus: int, slot: int, function: int = 0, *, inside: str = "", parent: str = "computer") -> str:
    return f"""<device>
  <name>{name}</name>
  <parent>{parent}</parent>
  <driver><name>ice</name></driver>
  <capability type='pci'>
    <class>0x020000</class>
    <domain>0</domain><bus>{bus}</bus><slot>{slot}</slot><function>{function}</function>{inside}
  </capability>
</device>
"""


COMPUTER = "<device><name>computer</name><capability type='system'/></device>\n"
BRIDGE = pci("pci_0000_3a_00_0", 58, 0, inside="<capability type='pci-bridge'/><numa node='1'/>")
NIC = pci("pci_0000_3b_00_0", 59, 0, inside="<iommuGroup number='7'/><numa node='1'/>", parent="pci_0000_3a_00_0")
INTERFACE = """<device><name>net_ens3f0_52_54</name><parent>pci_0000_3b_00_0</parent>
  <capability type='net'><interface>ens3f0</interface></capability></device>
"""


def test_slot_is_decimal():
    host = load(pci("pci_0000_00_19_0", 0, 25))
    assert [str(address) for address in host.pci] == ["0000:00:19.0"]


def test_device_with_all_that_is_stated():
    device = load(COMPUTER + BRIDGE + NIC + INTERFACE).pci[PciAddress.parse("3b:00.0")]
    assert device.node == 1
    assert device.driver == "ice"
    assert device.iommu_group == 7
    assert device.names == ("ens3f0",)


def test_missing_numa_is_unknown_and_not_node_0():
    host = load(COMPUTER + pci("pci_0000_01_00_0", 1, 0))
    assert host.pci[PciAddress(0, 1, 0, 0)].node is None
    assert Fact.PCI_NODE in host.unknown


def test_minus_one_is_unknown():
    assert load(pci("a", 1, 0, inside="<numa node='-1'/>")).pci[PciAddress(0, 1, 0, 0)].node is None


def test_node_comes_from_the_bridge_above():
    host = load(BRIDGE + pci("pci_0000_3b_00_0", 59, 0, parent="pci_0000_3a_00_0"))
    assert host.pci[PciAddress.parse("3b:00.0")].node == 1


def test_virtual_function_takes_the_node_of_its_physical_function_before_that_of_the_bridge():
    physical = pci("pci_0000_3c_00_0", 60, 0, inside="<numa node='0'/>")
    link = (
        "<capability type='phys_function'><address domain='0x0000' bus='0x3c' slot='0x00' function='0x0'/></capability>"
    )
    virtual = pci("pci_0000_3c_0a_1", 60, 10, 1, inside=link, parent="pci_0000_3a_00_0")
    device = load(BRIDGE + virtual + physical).pci[PciAddress.parse("3c:0a.1")]
    assert device.physical_function == PciAddress.parse("3c:00.0")
    assert device.node == 0


def test_parent_in_another_file():
    host = load(INTERFACE, NIC, BRIDGE)
    assert host.names == {"ens3f0": PciAddress.parse("3b:00.0")}
    assert host.sources == ("0.xml", "1.xml", "2.xml")


def test_name_whose_parents_are_missing_is_found_by_its_path():
    path = "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/virtio3/net/ens3f0"
    host = load(INTERFACE.replace("<parent>", f"<path>{path}</path><parent>"))
    assert host.names == {"ens3f0": PciAddress.parse("3b:00.0")}
    assert host.pci[PciAddress.parse("3b:00.0")].node is None


def test_disk_behind_a_scsi_host_and_mediated_device():
    chain = """<device><name>scsi_host0</name><parent>pci_0000_3b_00_0</parent><capability type='scsi_host'/></device>
      <device><name>scsi_target0_0_0</name><parent>scsi_host0</parent><capability type='scsi_target'/></device>
      <device><name>block_sda_X</name><parent>scsi_target0_0_0</parent>
        <capability type='storage'><block>/dev/sda</block></capability></device>
      <device><name>mdev_4b20d080_1b54_4048_85b3_a6a62d165c01</name><parent>pci_0000_3b_00_0</parent>
        <capability type='mdev'><type id='x'/></capability></device>"""
    device = load(NIC + chain).pci[PciAddress.parse("3b:00.0")]
    assert device.names == ("scsi_host0", "sda", "4b20d080-1b54-4048-85b3-a6a62d165c01")


def test_list_is_complete_with_the_computer_and_every_parent():
    assert load(COMPUTER + BRIDGE + NIC).complete_pci
    assert not load(BRIDGE + NIC).complete_pci
    host = load(COMPUTER + NIC)
    assert not host.complete_pci
    assert host.notes == (
        "the parents pci_0000_3a_00_0 are in no file: the nodes of devices below them may be missing",
    )


def test_several_documents_with_declarations_in_one_file():
    text = "<?xml version='1.0'?>\n" + NIC + "<?xml version='1.0'?>\n" + BRIDGE
    document = Document("all.xml", text.encode())
    host = nodedev.load(document, pytest.fail)
    place = host.pci[PciAddress.parse("3a:00.0")].place
    assert locate(document, [place])[place][0].line == 12


def test_wrapper_root_and_numbers_of_usb_devices():
    usb = (
        "<device><name>usb_1_1</name><capability type='usb_device'><bus>1</bus><device>2</device></capability></device>"
    )
    assert list(load(f"<node><devices>{NIC}{usb}</devices></node>").pci) == [PciAddress.parse("3b:00.0")]


def test_parents_in_a_circle_end():
    loop = pci("a", 1, 0, parent="b") + pci("b", 2, 0, parent="a")
    assert [device.node for device in load(loop).pci.values()] == [None, None]


def test_firmware_strings_that_are_not_utf8():
    broken = COMPUTER.replace("<capability", "<path>\xff</path><capability").encode("latin-1")
    host = nodedev.load_all([Document("computer.xml", broken), Document("nic.xml", NIC.encode())])
    assert len(host.pci) == 1
    assert host.notes[0] == "computer.xml has strings of the firmware that are not UTF-8: read with those replaced"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (NIC[:90], "it is not well-formed XML: ", None),
        (
            NIC.replace("<slot>0</slot>", "<slot>99</slot>"),
            "the content of <slot> is '99', not a number from 0 to 31",
            7,
        ),
        (NIC.replace("<slot>0</slot>", ""), "this PCI device has no <slot>", 5),
        (NIC.replace("node='1'", "node='x'"), "node of <numa> is 'x', not a number from 0 to 1023", 7),
    ],
)
def test_errors_say_what_and_where(text, message, line):
    with pytest.raises(LoadError) as caught:
        load(text)
    assert caught.value.message.startswith(message)
    assert line is None or caught.value.line == line
