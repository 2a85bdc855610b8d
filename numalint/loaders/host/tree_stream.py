"""The stream that an archive unpacks to, read forward and within bounds, whatever its headers claim."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from typing import IO, TYPE_CHECKING, NoReturn, cast

from numalint.loaders.document import LoadError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_BYTES = 512 << 20
"""Bytes of the stream; a copy of the whole sysfs of a host of 1,024 CPUs has a tenth of it."""

LARGEST_HEADER = 64 << 10
"""Bytes of the headers of one member: long names and pax records, which tarfile reads at any length."""

MOST_XZ_MEMORY = 128 << 20
"""Bytes that xz may take to unpack; its strongest preset asks for 65 MiB, a header may ask for 4 GiB."""

_PIECE = 64 << 10
_BLOCK = 512


def refuse_large(what: str, path: str) -> NoReturn:
    """Raises the LoadError for an archive that has more of something than a copy of sysfs can have."""
    raise LoadError(
        f"this archive has {what}, which no copy of sysfs has",
        path,
        help="pack only sys/devices, sys/bus, sys/class, sys/block and proc/meminfo of the host",
    )


class Stream:
    """What an archive unpacks to, as tarfile reads it.

    Raises LoadError past MOST_BYTES and where the headers of one member exceed LARGEST_HEADER, tarfile.ReadError for
    headers that lead backwards, and for damage what the unpacking raises.
    """

    def __init__(self, data: bytes, path: str) -> None:
        self._file = _unpacked(data, path)
        self._path = path
        self._position = 0
        self._last = b""
        self.expect_header()

    def tell(self) -> int:
        return self._position

    def expect_header(self) -> None:
        """Allows the headers of one more member to be read; what is passed over does not count."""
        self._allowed = LARGEST_HEADER

    def read(self, size: int) -> bytes:
        if size < 0:
            raise tarfile.ReadError("a size is negative")
        self._allowed -= size
        if self._allowed < 0:
            refuse_large(f"a member with more than {LARGEST_HEADER >> 10} KiB of headers", self._path)
        self._last = self._next(size)
        return self._last

    def seek(self, position: int) -> int:
        if position < self._position:
            raise tarfile.ReadError("a size is negative")
        if position > MOST_BYTES:
            self._refuse_long()
        while self._position < position and self._next(min(_PIECE, position - self._position)):
            pass
        return self._position

    def content(self, member: tarfile.TarInfo) -> bytes:
        """The bytes of a member that is no sparse file."""
        self.seek(member.offset_data)
        data = self._next(member.size)
        if len(data) < member.size:
            raise tarfile.ReadError("unexpected end of data")
        return data

    def check_end(self) -> None:
        """Checks that tarfile stopped at the end mark, not at what it does not understand, and the checksum of all."""
        if len(self._last) != _BLOCK or self._last.strip(b"\0"):
            raise tarfile.ReadError("a header is wrong" if self._last else "it has no end mark")
        while self._next(_PIECE):
            pass

    def _next(self, size: int) -> bytes:
        data = self._file.read(size)
        self._position += len(data)
        if self._position > MOST_BYTES:
            self._refuse_long()
        return data

    def _refuse_long(self) -> NoReturn:
        refuse_large(f"more than {MOST_BYTES >> 20} MiB", self._path)


def _unpacked(data: bytes, path: str) -> IO[bytes]:
    if data.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=io.BytesIO(data)))
    if data.startswith(b"BZh"):
        return bz2.BZ2File(io.BytesIO(data))
    if data.startswith(b"\xfd7zXZ\x00"):
        return io.BufferedReader(_Xz(data, path), _PIECE)
    return io.BytesIO(data)


class _Xz(io.RawIOBase):
    """What an xz file unpacks to. Unlike lzma.LZMAFile it takes no more memory than MOST_XZ_MEMORY."""

    def __init__(self, data: bytes, path: str) -> None:
        self._packed = io.BytesIO(data)
        self._path = path
        self._input = b""
        self._unpacker = _new_unpacker()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._some(len(view))
        view[: len(data)] = data
        return len(data)

    def _some(self, size: int) -> bytes:
        """Up to ``size`` bytes, none at the end; a file may be of several streams, with zeros between them."""
        while True:
            if self._unpacker.eof:
                self._input = self._unpacker.unused_data.lstrip(b"\0") or self._packed.read(_PIECE).lstrip(b"\0")
                if not self._input:
                    return b""
                self._unpacker = _new_unpacker()
            elif self._unpacker.needs_input and not self._input:
                self._input = self._packed.read(_PIECE)
                if not self._input:
                    raise EOFError("it ends before the mark of its end")
            data = self._decompressed(size)
            self._input = b""
            if data:
                return data

    def _decompressed(self, size: int) -> bytes:
        try:
            return self._unpacker.decompress(self._input, size)
        except lzma.LZMAError as error:
            if "Memory usage limit" in str(error):  # the module has no other way to tell
                refuse_large(f"headers that ask for more than {MOST_XZ_MEMORY >> 20} MiB to unpack it", self._path)
            raise


def _new_unpacker() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_XZ_MEMORY)
