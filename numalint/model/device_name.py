"""What a device of the host is called: one form of each name, so that a domain's and the host's can be compared."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_WWN = re.compile(r"(?:0x|naa\.)?([0-9a-f]{16})", re.ASCII)
# Only disks whose partitions the kernel names so: a NIC may well be called enp3s0f0p1.
_PARTITION = re.compile(
    r"((?:sd|hd|vd|xvd)[a-z]+)[0-9]+"
    r"|((?:nvme[0-9]+n|mmcblk|pmem|nbd|md|cciss/c[0-9]+d)[0-9]+(?:\.[0-9]+)?s?)p[0-9]+"
    r"|(disk/by-(?:id|path)/.+)-part[0-9]+",
    re.ASCII,
)


def canonical_name(name: str) -> str:
    """The form in which names are compared.

    ``nvme0n1`` for ``/dev/nvme0n1``; a UUID in lower case with dashes wherever they were written (libvirt takes them
    anywhere, its node devices have underscores); a WWN as 16 digits without ``naa.`` or ``0x``.
    """
    name = name.strip().removeprefix("/dev/")
    lowered = name.lower()
    digits = lowered.replace("-", "").replace("_", "")
    if _UUID.fullmatch(digits):
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    number = _WWN.fullmatch(lowered)
    return number[1] if number is not None else name


def whole_disk(name: str) -> str | None:
    """The disk that a partition is on: ``nvme0n1`` for ``nvme0n1p2``. None for what is not named as a partition."""
    match = _PARTITION.fullmatch(name)
    return next(filter(None, match.groups())) if match is not None else None
