"""A short hash of what tells a finding from all others."""

from __future__ import annotations


def fingerprint(identity: str) -> str:
    """Sixteen hexadecimal digits that are the same for the same ``identity`` in every run."""
    import hashlib  # noqa: PLC0415  # it loads OpenSSL, for which a run without findings need not pay

    return hashlib.sha256(identity.encode()).hexdigest()[:16]
