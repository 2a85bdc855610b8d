"""Reports with any characters in every name and text, for the tests of what must hold for all of them."""

from __future__ import annotations

from handmade import report
from hypothesis import strategies as st

from numalint.model.finding import Severity
from numalint.model.host import Fact
from numalint.model.report import Coverage, Problem, RelatedSpan, Report, Result, Span, Unjudged

MARKUP = [
    *("::error::x", "a%0Ab", "%25", "file=a,line=1::", "a\r\nb", "]]>", "<!--", "&amp;", "&#10;", "</details>", "<b>"),
    *("|", "\\|", "\\", "`", "``", "```\n", "[a](b)", "![a](b)", "*a*", "_a_", "~~a~~", "# a", "- a", "1. a", "---"),
    *("\x1b[2J", "\udcff", "\ud800", "\ufffe", "\u2028", "\u202e", "\ufeff", "", " ", "中文🦆", "<script>", "$x$"),
]
"""What means something to a reader of some format."""

NUMBERS = st.integers(min_value=1, max_value=2**31)
TEXTS = st.sampled_from(MARKUP) | st.text(st.characters(), max_size=12) | st.lists(st.sampled_from(MARKUP)).map("".join)
PATHS = TEXTS.filter(bool).map(
    lambda text: text.replace("\0", "0").encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
)
SLUGS = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)
SPANS = st.builds(
    lambda path, line, column, length: Span(path, line, column, column + length), PATHS, NUMBERS, NUMBERS, NUMBERS
)
RESULTS = st.builds(
    Result,
    rule=SLUGS,
    severity=st.sampled_from(Severity),
    message=TEXTS,
    label=TEXTS,
    span=SPANS,
    element=TEXTS,
    domain=TEXTS,
    host=st.none() | TEXTS,
    related=st.lists(st.builds(RelatedSpan, SPANS, TEXTS), max_size=2).map(tuple),
    why=TEXTS,
    help=TEXTS,
    data=st.dictionaries(TEXTS, TEXTS | NUMBERS, max_size=2),
    fingerprint=st.sampled_from(["0123456789abcdef", "0123456789abcdef:2"]) | TEXTS,
)
PROBLEMS = st.builds(
    Problem,
    kind=SLUGS,
    message=TEXTS,
    path=st.none() | PATHS,
    line=st.none() | NUMBERS,
    column=st.none() | NUMBERS,
    help=TEXTS,
)
UNJUDGED = st.builds(
    Unjudged,
    rule=SLUGS,
    host=st.none() | TEXTS,
    facts=st.lists(st.sampled_from([fact.value for fact in Fact]), min_size=1, max_size=2).map(tuple),
    domains=NUMBERS,
    subjects=st.lists(TEXTS, max_size=2).map(tuple),
)
REPORTS: st.SearchStrategy[Report] = st.builds(
    lambda found, **others: report(*found, files={}, **others),
    st.lists(RESULTS, max_size=4),
    problems=st.lists(PROBLEMS, max_size=3).map(tuple),
    unjudged=st.lists(UNJUDGED, max_size=3).map(tuple),
    coverage=st.builds(Coverage, domains=NUMBERS, hosts=st.lists(TEXTS, max_size=2).map(tuple), rules=NUMBERS),
    exit_code=st.sampled_from([0, 1, 2]),
)
