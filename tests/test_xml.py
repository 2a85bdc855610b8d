"""Places: from the index of an element to a line and columns, and what is refused on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from numalint.loaders import xml
from numalint.loaders.document import Document, LoadError, read_head
from numalint.model.place import TEXT, Place

DOMAIN = """<?xml version='1.0'?>
<!-- é: a comment -->
<domain type='kvm'>
\t<name>ü db</name>
  <vcpu placement="static"
        cpuset='0-3,9'>8</vcpu>
  <cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='2'/></cputune>
</domain>
"""


def located(text: str, *places: Place) -> list[tuple[int, int, int, str]]:
    document = Document("a.xml", text.encode())
    found = xml.locate(document, places)
    return [(s.line, s.column, s.end_column, path) for s, path in (found[place] for place in places)]


def element(number: int, attribute: str | None = None, term: tuple[int, int] | None = None) -> Place:
    return Place("a.xml", number, attribute, term)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_place_becomes_line_and_columns(mark: str) -> None:
    assert located(
        mark + DOMAIN,
        element(0),
        element(1, TEXT),
        element(2, "cpuset"),
        element(2, "cpuset", (4, 5)),
        element(2, TEXT),
        element(5, "cpuset"),
        element(5),
    ) == [
        (3, 2, 8, "/domain"),
        (4, 8, 12, "/domain/name/text()"),
        (6, 17, 22, "/domain/vcpu/@cpuset"),
        (6, 21, 22, "/domain/vcpu/@cpuset"),
        (6, 24, 25, "/domain/vcpu/text()"),
        (7, 68, 69, "/domain/cputune/vcpupin[2]/@cpuset"),
        (7, 43, 50, "/domain/cputune/vcpupin[2]"),
    ]


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n',
        "<?xml version='1.0'?>\n<!-- of <kvm01> --><!DOCTYPE topology>",
        "\ufeff\n<!DOCTYPE t [\n<!ELEMENT t ANY>]>",
    ],
)
def test_a_place_is_found_behind_a_doctype(before: str) -> None:
    (line, _, _, path) = located(f"{before}\n<topology>\n <object id='1'/></topology>", element(1, "id"))[0]
    assert (line, path) == (before.count("\n") + 3, "/topology/object/@id")


def test_an_attribute_that_is_not_there_is_at_the_name_of_its_element() -> None:
    assert located(DOMAIN, element(4, "absent")) == [(7, 13, 20, "/domain/cputune/vcpupin/@absent")]


def test_a_place_in_a_stream_counts_over_the_whole_stream() -> None:
    stream = (
        "<?xml version='1.0'?>\n<device><name>a</name></device>\n<?xml version='1.0'?>\n<device><name>b</name></device>"
    )
    document = Document("a.xml", stream.encode())
    roots = xml.parse_stream(document)
    indexes = xml.index(*roots)
    assert [root.tag for root in roots] == ["device", "device"]
    assert indexes[roots[1][0]] == 3
    assert located(stream, element(3, TEXT)) == [(4, 15, 16, "/device[2]/name/text()")]


@given(st.lists(st.sampled_from(["a", "b", "c:d", "élan"]), max_size=6), st.text("x <&'\n\té𝔸", max_size=20))
def test_the_index_is_the_one_that_expat_counts(names: list[str], text: str) -> None:
    root = etree.Element("root", {"xmlns": "u"})
    for name in names:
        etree.SubElement(root, name.replace(":", "-"), at=text or "v").text = text
    data = etree.tostring(root, encoding="utf-8", pretty_print=True)
    document = Document("a.xml", data)
    parsed = xml.parse(document)
    found = xml.locate(document, [element(number) for number in xml.index(parsed).values()])
    lines = data.decode().split("\n")
    for each, number in xml.index(parsed).items():
        span = found[element(number)][0]
        assert lines[span.line - 1][span.column - 1 : span.end_column - 1] == etree.QName(each).localname


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"<domain><name></domain>", "it is not well-formed XML: Opening and ending tag mismatch: name line 1 and domain"),
        (b"<!DOCTYPE domain><domain/>", "it has a DOCTYPE, which numalint does not read"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><domain/>", "it is encoded in ISO-8859-1, and libvirt reads only UTF-8"),
        ("<domain/>".encode("utf-16"), "it is encoded in UTF-16, and libvirt reads only UTF-8"),
        (b"<!DOCTYPE d [<!ENTITY x SYSTEM '/etc/passwd'>]><d>&x;</d>", "it has a DOCTYPE, which numalint does not read"),
        (b"<domain>\xff</domain>", "it is not UTF-8: byte 0xff"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_in_a_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(LoadError) as caught:
        xml.parse(Document("a.xml", text))
    assert caught.value.message.startswith(sentence)


def test_a_doctype_without_entities_passes_where_it_is_allowed() -> None:
    plain = Document("a.xml", b"<!DOCTYPE topology SYSTEM 'hwloc2.dtd'><topology/>")
    assert xml.parse(plain, doctype_allowed=True).tag == "topology"
    bomb = Document("a.xml", b"<!DOCTYPE t [<!ENTITY a 'b'>]><t>&a;</t>")
    with pytest.raises(LoadError, match="declares entities"):
        xml.parse(bomb, doctype_allowed=True)


@pytest.mark.parametrize(
    ("data", "name", "namespace"),
    [
        (b"<?xml version='1.0'?>\n<!--\nWARNING: <device> -->\n<domain type='kvm'>", "domain", ""),
        (b"\xef\xbb\xbf<domain xmlns='urn:jboss:domain:3.0'>", "domain", "urn:jboss:domain:3.0"),
        (b"<d:domain xmlns:d='urn:x' type='kvm'>", "domain", "urn:x"),
        (b'<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n<topology version="2.0">', "topology", ""),
        (b"{# jinja #}<domain>", None, ""),
        (b"", None, ""),
        (b"\x89PNG\r\n\x1a\n\x00\x00", None, ""),
    ],
)
def test_the_first_bytes_tell_the_first_element(data: bytes, name: str | None, namespace: str) -> None:
    head = read_head(data)
    assert (head.element, head.namespace) == (name, namespace)


@pytest.mark.parametrize("stream", [False, True])
def test_the_number_of_an_element_is_its_place_in_the_document_however_many_are_asked_for(stream: bool) -> None:
    text = "<a><b/><c><d><e/></d><f/></c><g/></a>"
    document = Document("a.xml", (text * 9 if stream else f"<r>{text * 9}</r>").encode())
    roots = xml.parse_stream(document) if stream else [xml.parse(document)]
    for elements in (list(xml.index(*roots)), list(xml.index(*roots))[::-1]):
        numbers = {element: xml.number_of(Place("a.xml", element)) for element in elements}
        assert numbers == xml.index(*roots)
