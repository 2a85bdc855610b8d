"""The line hash, against the values of github/codeql-action's own tests."""

from __future__ import annotations

import pytest

from numalint.reporters.line_hash import LineHashes

LOREM = "a7f2ff13bc495cf2"


def line_hashes(data: bytes) -> list[str]:
    return list(LineHashes(data))


@pytest.mark.parametrize(
    ("text", "hashes"),
    [
        ("", "c129715d7a2bc9a3:1"),
        (" a\nb\n  \t\tc\n d", "271789c17abda88f:1 54703d4cd895b18:1 180aee12dab6264:1 a23a3dc5e078b07b:1"),
        (
            " hello; \t\r\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
            "e9496ae3ebfced30:1 fb7c023a8b9ccb3f:1 ce8ba1a563dcdaca:1 e20e36e16fcb0cc8:1 "
            "b3edc88f2938467e:1 c8e28b0b4002a3a0:1 c129715d7a2bc9a3:1",
        ),
        (
            "Lorem ipsum dolor sit amet.\n" * 10,
            " ".join(f"{LOREM}:{count}" for count in range(1, 7))
            + " a7f2ff1481e87703:1 a9cf91f7bbf1862b:1 55ec222b86bcae53:1 cc97dc7b1d7d8f7b:1 c129715d7a2bc9a3:1",
        ),
    ],
)
def test_the_values_are_those_of_the_upload_action(text: str, hashes: str) -> None:
    assert line_hashes(text.encode()) == hashes.split()


def test_indentation_line_ends_and_lines_above_do_not_count() -> None:
    plain = line_hashes(b"<a>\n<b x='1'/>\n</a>\n")
    assert line_hashes(b"  <a>\r\n\t<b x='1'/>\r\n  </a>\r\n") == plain
    assert line_hashes(b"<!-- new -->\n<a>\n<b x='1'/>\n</a>\n")[1:] == plain


def test_equal_lines_are_counted_and_bad_bytes_are_hashed_like_any() -> None:
    filler = b"<x/>" * 25 + b"\n"
    first, second, *_ = line_hashes(filler * 3)
    assert (first[:-2], first[-2:], second[-2:]) == (second[:-2], ":1", ":2")
    assert line_hashes(b"\xff") == line_hashes("\N{REPLACEMENT CHARACTER}".encode())


def test_characters_outside_the_first_plane_are_two_units_and_a_byte_order_mark_is_one() -> None:
    assert len(line_hashes("🦆\n<a/>\n".encode())) == 3
    assert line_hashes(b"\xef\xbb\xbf<a/>") != line_hashes(b"<a/>")
