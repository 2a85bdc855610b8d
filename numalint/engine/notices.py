"""What numalint says that no rule says: pages for what could not be read, resolved or run."""

from __future__ import annotations

from numalint.model.finding import Severity
from numalint.model.report import RuleCard

BASELINE_STALE = "baseline-stale"
LEFT_OUT = "left-out"
MALFORMED_DOMAIN = "malformed-domain"
NOT_JUDGED = "not-judged"
SUPPRESSION_EXPIRED = "suppression-expired"
SUPPRESSION_MALFORMED = "suppression-malformed"
SUPPRESSION_UNUSED = "suppression-unused"

_PAGES = {
    BASELINE_STALE: (
        "An entry of the baseline covers no finding",
        (
            "What the baseline lists was mended, or its domain is gone. An entry that is left behind would hide the next "
            "finding of its kind at its place. `numalint baseline prune` takes such entries out. It is told only where the "
            "rule was judged, as for suppressions."
        ),
    ),
    LEFT_OUT: (
        "Findings are suppressed, or were there before",
        (
            "How many findings are not among the results, for a suppression covers them, or because they are in the baseline or "
            "were there at the revision of `--since`. `numalint check --show-suppressed` prints them."
        ),
    ),
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
    "no-such-path": (
        "A path matches nothing",
        "A path of the command line names no file and no folder, or a link in a folder leads nowhere.",
    ),
    "unmet-glob": (
        "A glob of the configuration matches nothing",
        (
            "The globs of a host or of a live-migration set have to match the file of a domain each, and an override has to be about some "
            "domain: what a slip was meant for would be judged without it."
        ),
    ),
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
        "The paths hold no libvirt domain, all were excluded, or no rule is left. A run that judges nothing never passes.",
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
    SUPPRESSION_EXPIRED: (
        "The last day of a suppression is over",
        (
            "A suppression with `until=YYYY-MM-DD` holds to the end of that day (UTC) and then no more: the findings that it "
            "covered are back. Mend them, or look again whether the reason still holds and write a new date."
        ),
    ),
    SUPPRESSION_MALFORMED: (
        "A suppression cannot be read, and suppresses nothing",
        (
            "What is meant as a suppression names no rule, a rule that does not exist or one that may not be suppressed, gives "
            "no reason, has a date that is none, or does not stand where it would cover anything. Nothing is guessed: it "
            "suppresses none of the rules that it names. Write `<!-- numalint: ignore[rule-name] reason -->` on a line of "
            "its own in front of the element that the finding is about, or in front of the first one for the whole file; "
            "`until=YYYY-MM-DD` may stand in front of the reason. In an `[[ignore]]` of numalint.toml the same slips end the run."
        ),
    ),
    SUPPRESSION_UNUSED: (
        "A suppression covers no finding",
        (
            "No finding of a rule that the suppression names is left where it covers something: the defect is mended, or it "
            "never was there. Remove it, for it would hide the next one. It is told only where the rule was judged: not "
            "where the rule is not selected or lacked a fact, nor where other domains or files would have to be looked at."
        ),
    ),
}

_LEVELS = {
    BASELINE_STALE: Severity.NOTE,
    LEFT_OUT: Severity.NOTE,
    NOT_JUDGED: Severity.NOTE,
    SUPPRESSION_EXPIRED: Severity.WARNING,
    SUPPRESSION_UNUSED: Severity.NOTE,
}

IGNORABLE = frozenset({BASELINE_STALE, SUPPRESSION_EXPIRED, SUPPRESSION_MALFORMED, SUPPRESSION_UNUSED})
"""The notices that ignore may leave out. What kept something from being judged is always told."""

NOTICES: dict[str, RuleCard] = {
    id: RuleCard(
        id=id,
        shape="notice",
        category="notice",
        level=_LEVELS.get(id, Severity.ERROR),
        needs=(),
        enabled=True,
        summary=summary,
        description=page,
        page=page,
        precision="very-high",
    )
    for id, (summary, page) in sorted(_PAGES.items())
}
"""The notices by id. ``malformed-domain`` and those of suppressions and of the baseline are results, the others problems of the run.

None of them may be suppressed.
"""
