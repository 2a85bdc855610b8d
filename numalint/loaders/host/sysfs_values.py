"""Values of the files of sysfs, checked as they are read; what is wrong is refused with the path of its file."""

from __future__ import annotations

import re

from numalint.loaders.host.tree import Tree
from numalint.loaders.host.values import LARGEST_CPU
from numalint.model.idset import HostCpus, IdSet, NotationError

_BLANKS = " \t\r\n\0"
_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_MASK = re.compile(r"[0-9a-fA-F]{1,8}(?:,[0-9a-fA-F]{8})*")
_SIZE = re.compile(r"([0-9]{1,12})([KMG]?)", re.ASCII)
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30}
_SHOWN = 40


class Values:
    """Reads the files of a tree. All methods raise LoadError for a file that is there and makes no sense."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def text(self, path: str) -> str | None:
        """The text of a file without the blanks around it; None where the file is missing or has not even a line.

        Firmware and kernels pad with blanks and NULs.
        """
        data = self.tree.read(path)
        return data.decode("ascii", "replace").strip(_BLANKS) if data else None

    def number(self, path: str, smallest: int = 0) -> int | None:
        """A whole number, not below ``smallest``: -1 is how the kernel says that it does not know."""
        text = self.text(path)
        if text is None:
            return None
        if _NUMBER.fullmatch(text) is None or int(text) < smallest:
            self.tree.refuse(path, f"holds {text[:_SHOWN]!r}, which is no number from {smallest} on")
        return int(text)

    def cpus(self, path: str) -> HostCpus | None:
        """A list of CPUs such as ``0-3,8``; an empty line, or the kernel's ``(null)``, is none of them."""
        text = self.text(path)
        if text is None:
            return None
        if text in ("", "(null)"):
            return IdSet()
        try:
            return HostCpus.parse(text)
        except NotationError as error:
            self.tree.refuse(path, f"holds {text[:_SHOWN]!r}, which is no list of CPUs: {error.reason}")

    def mask(self, path: str) -> HostCpus | None:
        """A mask of CPUs: hexadecimal words of 32 bits, the most significant first, as wide as the kernel can count."""
        text = self.text(path)
        if not text:
            return None
        mask = int(text.replace(",", ""), 16) if _MASK.fullmatch(text) else -1
        if mask < 0 or mask.bit_length() > LARGEST_CPU + 1:
            self.tree.refuse(path, f"holds {text[:_SHOWN]!r}, which is no mask of CPUs up to {LARGEST_CPU}")
        return IdSet(mask)

    def set_of_cpus(self, *paths: str) -> HostCpus | None:
        """The set in the first of ``paths`` that is there: a list where the name ends in ``list``, else a mask."""
        for path in paths:
            found = self.cpus(path) if path.endswith("list") else self.mask(path)
            if found is not None:
                return found
        return None

    def size(self, path: str) -> int | None:
        """A size such as ``32768K``, in bytes; None also for 0, by which the kernel says that it does not know."""
        text = self.text(path)
        if text is None:
            return None
        match = _SIZE.fullmatch(text)
        if match is None:
            self.tree.refuse(path, f"holds {text[:_SHOWN]!r}, which is no size")
        return int(match[1]) << _UNITS[match[2]] or None

    def ids(self, folder: str, word: str, largest: int) -> list[int]:
        """The numbers of what is named ``word`` and a number in a folder, in order: 0 and 8 for ``node0 node8``."""
        found = []
        for name in self.tree.names(folder):
            digits = name.removeprefix(word)
            if name.startswith(word) and digits.isascii() and digits.isdecimal():
                if len(digits) > len(str(largest)) or int(digits) > largest:
                    self.tree.refuse(
                        f"{folder}/{word}{digits[:_SHOWN]}", f"is over {largest}, the largest that there is"
                    )
                found.append(int(digits))
        return sorted(found)
