"""The rules of a fleet."""

from __future__ import annotations

from collections.abc import Sequence

from numalint import Rule, hookimpl
from numalint_acme import odd_vcpu_count


@hookimpl
def numalint_rules() -> Sequence[Rule]:
    """The one rule of this pack."""
    return [odd_vcpu_count.check]
