"""The whole report as JSON, for programs.

One object, whose schema ``numalint schema report`` prints. ``format`` is ``numalint.report/1``; within that number keys are
added, never taken away or changed:

- ``version``: of numalint. ``exit_code``: 0 clean, 1 findings at or above --fail-on, 2 something was not checked.
- ``results``: an object a finding, in order of place: ``rule``, ``severity`` (error, warning or note), ``message``,
  ``label`` (the clause at the place), ``span``, ``element`` (the path of the element), ``domain``, ``host`` (or null),
  ``related`` (other places: ``span`` and ``label``), ``why``, ``help``, ``data`` (the numbers of the message),
  ``also_on`` (further hosts of a live-migration set that it is true of), ``others`` (the files of the other domains in a
  conflict), ``fingerprint`` (the same for the same defect, wherever its line moves), ``suppressed`` (null, or under
  --show-suppressed the reason) and ``suppressed_by`` (where that stands: ``source``, ``configuration`` or
  ``baseline``). A span has ``path`` as the text shows it, ``line``, ``column`` and ``end_column``, which count from 1,
  columns in code points.
- ``problems``: what could not be read, resolved or run: ``kind`` (``numalint explain KIND``), ``message``, ``path``,
  ``line`` and ``column`` (each null where there is none), ``help``.
- ``unjudged``: each rule that was not judged on some domains: ``rule``, ``host`` (null: they have none), ``facts``
  that are unknown, the number of ``domains``, and ``subjects``, the devices and such that it concerns.
- ``coverage``: ``domains``, ``hosts`` (their names), ``rules``, ``without_host``, ``passed_over`` (XML
  files without a domain, by the name of their first element, none where there is none), ``excluded``,
  ``suppressed`` (the number of findings that are, shown or not), ``known`` (that of findings that were there before: in
  the baseline, or at the revision of --since).
"""

from __future__ import annotations

from typing import Any

import msgspec

from numalint.model.report import Report
from numalint.reporters.json_text import json_text
from numalint.reporters.terminal import well_formed

FORMAT = "numalint.report/1"

KEYS = ("version", "exit_code", "results", "problems", "unjudged", "coverage")
"""What is printed of a report, in this order after the format."""


def whole(report: Report, _colour: bool) -> str:
    """The report as this module's docstring describes it, indented by two."""
    document = {"format": FORMAT} | {key: msgspec.to_builtins(getattr(report, key)) for key in KEYS}
    return json_text(_in_unicode(document))


def _in_unicode(value: Any) -> Any:
    """The value with each text in it well-formed."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_in_unicode(key): _in_unicode(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_in_unicode(each) for each in value]
    return value
