"""What numalint says that no rule says: pages for what could not be read, resolved or run."""

from __future__ import annotations

from numalint.model.finding import Severity
from numalint.model.report import RuleCard

MALFORMED_DOMAIN = "malformed-domain"
NOT_JUDGED = "not-judged"

_PAGES = {
    MALFORMED_DOMAIN: (
        "A domain cannot be read as libvirt reads it",
        (
            "The file starts as a domain, but it is not well-formed, has a DOCTYPE, is not UTF-8, or has a value that "
            "libvirt refuses, such as a set of CPUs that does not parse. Nothing else is judged in that domain, and the "
            "run ends with exit code 2. Mend the file, or leave a template out with `exclude` in numalint.toml."
        ),
    ),
    "unreadable-file": (
        "A file could not be opened",
        "A file or folder that was named or found could not be read, so what is in it was not checked.",
    ),
    "unreadable-host": (
        "A host's inputs could not be read",
        (
            "A host file is malformed, lacks a topology, or contradicts another input of the same host. The domains of "
            "that host were judged without a host."
        ),
    ),
    "ambiguous-host": (
        "It is not clear which host a domain is on",
        (
            "Two host files are equally near to a domain, or two `[hosts]` entries claim it. Name the host in "
            "numalint.toml; the domains were judged without a host."
        ),
    ),
    "no-such-path": ("A path matches nothing", "A path of the command line names no file and no folder."),
    "not-ours": (
        "A file that was named is no domain and no host",
        "Under a folder such files are passed over. One that is named on the command line was meant to be checked.",
    ),
    "not-in-git": (
        "git could not say which files it tracks",
        "`--tracked` looks only at what git tracks, and git did not answer.",
    ),
    "nothing-judged": (
        "No domain was judged",
        "The paths hold no libvirt domain, or all were excluded. A run that judges nothing never passes.",
    ),
    "rule-failed": (
        "A rule failed with an exception",
        "This is a defect of the rule. The findings of the other rules are complete; please report it.",
    ),
    "fact-required": (
        "A rule was not judged for lack of a fact that --require names",
        "Give the host an input that states the fact; the summary says which one does.",
    ),
    NOT_JUDGED: (
        "A rule was not judged for lack of a host fact",
        "The host's inputs do not state a fact that the rule needs. This fails a run only under `--require`.",
    ),
}

NOTICES: dict[str, RuleCard] = {
    id: RuleCard(
        id=id,
        shape="notice",
        category="notice",
        level=Severity.NOTE if id == NOT_JUDGED else Severity.ERROR,
        needs=(),
        enabled=True,
        summary=summary,
        description=page,
        page=page,
        precision="very-high",
    )
    for id, (summary, page) in sorted(_PAGES.items())
}
"""The notices by id; only ``malformed-domain`` is ever a result, the others are problems of the run."""
