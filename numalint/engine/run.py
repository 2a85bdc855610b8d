"""A whole run: paths to documents, domains to hosts, rules to findings, findings to a report."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from xml.parsers.expat import ExpatError

import msgspec
from msgspec.structs import replace

from numalint.engine.baseline import Baseline, stale_notice
from numalint.engine.declared import unmet_overrides
from numalint.engine.discover import STDIN, Excludes, Found, discover, repository_of
from numalint.engine.fleets import Fleets, Reporting
from numalint.engine.judge import Judge, Said
from numalint.engine.locate import Locator
from numalint.engine.notices import NOTICES
from numalint.engine.page import Cards
from numalint.engine.policy import Policies
from numalint.engine.refused import faults, malformed, nothing_judged
from numalint.engine.suppress import Ran, Suppressible, Suppressor
from numalint.engine.world import Kind, Sniffer, World, host_problem
from numalint.loaders.config import LoadedConfig
from numalint.loaders.document import Document, HostFormat, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.host.inputs import load_inputs
from numalint.loaders.suppressions import WORD
from numalint.model.domain import NEWEST_LIBVIRT, Domain, Release
from numalint.model.finding import Severity
from numalint.model.placement import Placement
from numalint.model.report import Coverage, Known, Problem, Report, Result


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for.

    ``given`` are the bytes of paths that are not read from a file: those of standard input. ``known`` is what was there
    before, in files of baselines and at an earlier revision. ``silent`` are the notices that are not to be told,
    ``require`` the facts that must be known. ``today`` is the day by which suppressions end. Without ``suppressible`` it
    is judged as if none were there.
    """

    paths: tuple[str, ...]
    config: LoadedConfig
    policies: Policies
    formats: tuple[HostFormat, ...]
    today: date
    suppressible: Suppressible | None = None
    show_suppressed: bool = False
    hosts: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    silent: frozenset[str] = frozenset()
    tracked: bool = False
    fail_on: Severity = Severity.WARNING
    libvirt: Release = NEWEST_LIBVIRT
    require: frozenset[str] = frozenset()
    given: dict[str, bytes] = {}
    known: tuple[Baseline, ...] = ()
    version: str = ""


def run(request: Request) -> tuple[Report, list[str]]:
    """Do what a request asks for. Returns the report, and warnings that are no part of it.

    Raises LoadError for an ``[[ignore]]`` of the configuration that cannot be obeyed.
    """
    return _Run(request).report()


class _Run:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.sniffer = Sniffer(request.formats)
        self.world = World(request.config, request.hosts, self.sniffer)
        self.judge = Judge(request.policies)
        obeyed = request.suppressible
        self.suppressor = None if obeyed is None else Suppressor(request.config, obeyed, request.today)
        self.locator = Locator(request.given)
        self.fleets = Fleets()
        self.problems: list[Problem] = []
        self.malformed: list[Result] = []
        self.faulty: list[Said] = []
        self.domains = self.without_host = self.passed_over = self.refused = self.suppressed = self.known = 0
        self.documents: dict[str, set[str]] = {}
        self.stale: list[Known] = []
        self.host_files: list[str] = []

    def report(self) -> tuple[Report, list[str]]:
        found = self._discover()
        for path, named in found.files.items():
            self._file(path, named=named)
        self._neighbours(found)
        self._judge_fleets(found)
        self._check_unused_hosts()
        results = self._results(found)
        self._require()
        if self._all_of_config(found):
            self.problems += unmet_overrides(self.request.config, self.request.policies.unused())
        told = (found.problems, self.world.problems, self.problems, self.judge.problems, self.locator.problems)
        problems = list(dict.fromkeys(itertools.chain(*told)))  # hosts of one class may share a broken input
        if not self.domains and not problems and not results and not self.request.tracked:
            problems.append(nothing_judged(self.request.paths, found))
        results = [each for each in results if each.rule not in self.request.silent]
        results.sort(key=lambda each: (each.span.path, each.span.line, each.span.column, each.rule, each.host or ""))
        report = Report(
            version=self.request.version,
            results=tuple(results),
            problems=tuple(problems),
            unjudged=self.judge.unjudged,
            coverage=self._coverage(found),
            rules=Cards(self.request.policies.rules, tuple(NOTICES.values())),
            exit_code=self._exit_code(results, problems),
            root=_root(self.locator.files, self.request.config),
            files=self.locator.files,
            stale=tuple(self.stale),
        )
        return report, [*found.warnings, *self.world.warnings]

    def _results(self, found: Found) -> list[Result]:
        """All results: what cannot be judged, what is wrong with suppressions and the baseline, and the findings."""
        faulty = self.malformed + self.locator.results(self.faulty)
        if self.suppressor is None:
            return [*faulty, *self._unknown(self.locator.results(self.judge.said), self._ran(found))]
        said, hidden = self.suppressor.apply(self.judge.said)
        self.suppressed = len(hidden)
        ran = self._ran(found)
        own = self.suppressor.results(ran)
        for each in own:
            with contextlib.suppress(OSError):  # it went away since: the place is told without its lines
                self.locator.read(each.span.path)
        said += (*self.suppressor.said(ran), *(hidden if self.request.show_suppressed else ()))
        return [*faulty, *self._unknown(own + self.locator.results(said), ran)]

    def _unknown(self, results: list[Result], ran: Ran) -> list[Result]:
        """The results without those that were there before, and with what is stale in the baseline."""
        for baseline in self.request.known:
            results = baseline.marked(results)
            self.stale += baseline.stale(results, lambda entry: self._seen_again(entry, ran))
            if self.stale and baseline.path:
                results.append(stale_notice(self.stale, baseline.path, self.locator.read(baseline.path)))
        self.known = sum(each.suppressed_by == "baseline" for each in results)
        return [each for each in results if each.suppressed_by != "baseline" or self.request.show_suppressed]

    def _seen_again(self, entry: Known, ran: Ran) -> bool:
        """Whether what a baseline lists would have been found, if it were there still."""
        documents = self.documents.get(entry.domain, ())
        there = any(entry.host in ran.hosts_of(document) for document in documents)
        if not documents or (entry.host is not None and not there):
            return ran.all_of_config and entry.rule in ran.rules
        return all(ran.judged(entry.rule, document, entry.domain) for document in documents)

    def _ran(self, found: Found) -> Ran:
        """What was judged, and how much of what there is."""
        request, config = self.request, self.request.config
        folders = self._folders()
        return Ran(
            rules={} if self.judge.problems else {rule.id: rule.shape for rule in request.policies.rules},
            policies=request.policies,
            unjudged={(each.rule, each.host) for each in self.judge.unjudged},
            hosts_of=lambda path: [each.host.name for each in self.world.hosts_of(path)],
            parties={(each.rule, document) for each in self.judge.said for document in each.others},
            whole=bool(config.config.hosts and not request.hosts)
            or (len(folders) == len(request.paths) and not request.exclude),
            all_of_config=self._all_of_config(found),
        )

    def _folders(self) -> list[str]:
        return [
            os.path.realpath(path)
            for path in self.request.paths
            if path not in self.request.given and os.path.isdir(path)
        ]

    def _all_of_config(self, found: Found) -> bool:
        """Whether everything that the configuration speaks of was looked at, and could be judged."""
        request = self.request
        missed = self.problems or self.world.problems or self.malformed or self.refused or found.problems
        home = os.path.join(os.path.realpath(request.config.folder), "")
        narrowed = request.exclude or request.hosts
        return not missed and not narrowed and any(home.startswith(os.path.join(each, "")) for each in self._folders())

    def _discover(self) -> Found:
        request = self.request
        return discover(request.paths, self._excludes(), tracked=request.tracked, given=request.given)

    def _excludes(self) -> Excludes:
        config = self.request.config
        lists = [(config.folder, tuple(config.config.exclude)), (str(Path.cwd()), self.request.exclude)]
        return Excludes(tuple((folder, globs) for folder, globs in lists if globs))

    def _file(self, path: str, *, named: bool) -> None:
        try:
            kind, data = self._read(path)
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}"
            self.problems.append(Problem(kind="unreadable-file", message=message, path=path))
            return
        if not kind.domain:
            self._other(path, kind, named=named)
            return
        try:
            domains = load_domains(Document(path, data))
        except LoadError as error:
            self.locator.files[path] = data
            self.malformed.append(malformed(error, data))
            return
        if not domains:
            self._other(path, kind, named=named)
        for number, domain in enumerate(domains):
            self._domain(domain, path, number)
        if domains and self.suppressor is not None and WORD in data:
            self._suppressions(Document(path, data), domains)

    def _suppressions(self, document: Document, domains: list[Domain]) -> None:
        assert self.suppressor is not None
        try:
            self.suppressor.read(document, domains)
        except (ExpatError, IndexError) as error:  # lines that end in a carriage return alone
            message = f"the suppressions in it cannot be read: {error}"
            self.problems.append(Problem(kind="unreadable-file", message=message, path=document.path))

    def _read(self, path: str) -> tuple[Kind, bytes]:
        """What a file is, and its bytes where it holds domains."""
        given = self.request.given.get(path)
        if given is not None:
            return self.sniffer.kind_of(given), given
        return self.sniffer.read(path)

    def _domain(self, domain: Domain, path: str, number: int) -> None:
        if domain.faults:
            self.refused += 1
            explained = self.judge.explain_faults(domain)
            self.faulty += (*explained, *faults(domain, {each.rule for each in explained}))
            return
        assigned = self.world.hosts_of(path)
        if self.request.libvirt != domain.libvirt:
            domain = replace(domain, libvirt=self.request.libvirt)
        self.domains += 1
        if self.request.known:
            self.documents.setdefault(domain.name, set()).add(path)
        self.without_host += not assigned
        placements = self.judge.judge(domain, [each.host for each in assigned])
        if self.judge.judges_fleets:
            for each, placement in zip(assigned, placements, strict=False):
                if each.home:
                    self.fleets.add(placement, number)

    def _neighbours(self, found: Found) -> None:
        """Claims of the domains that the configuration declares and that are not in the focus: they are there too."""
        if not self.world.declared:
            return
        focus = {os.path.realpath(path) for path in found.files}
        roots = [os.path.relpath(folder) for folder in self.request.config.folders]
        beyond = discover(roots, self._excludes(), tracked=self.request.tracked)
        for path in beyond.files:
            if self.world.is_claimed(path) and os.path.realpath(path) not in focus and self.judge.judges_fleets:
                self._neighbour(path)
        if not self.request.exclude:
            self.problems += self.world.unmet()

    def _neighbour(self, path: str) -> None:
        try:
            kind, data = self._read(path)
            domains = load_domains(Document(path, data)) if kind.domain else []
        except (OSError, LoadError) as error:
            said = error.strerror if isinstance(error, OSError) else error.message
            message = f"what it claims of its host is not known, for it cannot be read: {said}"
            self.problems.append(Problem(kind="unreadable-file", message=message, path=path))
            return
        homes = [each.host for each in self.world.hosts_of(path) if each.home]
        for number, domain in enumerate(domains):
            for host in homes if not domain.faults else ():
                self.fleets.add(Placement(domain, host), number)

    def _judge_fleets(self, found: Found) -> None:
        if self.judge.judges_fleets:
            reporting, focus = Reporting(self.locator.read), set(found.files)
            for fleet in self.fleets.fleets(self.world.fleet):
                self.judge.judge_fleet(fleet, reporting, focus)

    def _other(self, path: str, kind: Kind, *, named: bool) -> None:
        if kind.format is None and named:
            element = kind.head.element
            what = f"its first element is <{element}>" if element else "it does not start with an XML element"
            message = f"it is no libvirt domain and no host file that numalint knows: {what}"
            self.problems.append(Problem(kind="not-ours", message=message, path=path))
        elif kind.format is None and path.lower().endswith(".xml"):
            self.passed_over += 1
        elif kind.format is not None and not kind.format.partial and path not in self.request.given:
            self.host_files.append(path)

    def _check_unused_hosts(self) -> None:
        """A host file that no domain is on is read too: a broken one is said on the day that it breaks."""
        for path in self.host_files:
            if os.path.realpath(path) not in self.world.inputs:
                try:
                    load_inputs((path,), self.request.formats, None)
                except LoadError as error:
                    self.problems.append(host_problem(error))

    def _require(self) -> None:
        for each in self.judge.unjudged:
            lacking = [fact for fact in each.facts if fact in self.request.require or "all" in self.request.require]
            if lacking:
                where = f"host {each.host}" if each.host else "domains without a host"
                message = f"rule {each.rule} was not judged on {where}: {', '.join(lacking)} unknown"
                self.problems.append(Problem(kind="fact-required", message=message))

    def _coverage(self, found: Found) -> Coverage:
        return Coverage(
            domains=self.domains,
            hosts=tuple(sorted(self.world.hosts)),
            rules=len(self.request.policies.rules),
            without_host=self.without_host,
            passed_over=self.passed_over,
            excluded=found.excluded,
            suppressed=self.suppressed,
            known=self.known,
        )

    def _exit_code(self, results: Iterable[Result], problems: list[Problem]) -> int:
        if problems or self.malformed or self.refused:
            return 2
        counted = (each.severity.rank for each in results if each.suppressed is None)
        return int(any(rank >= self.request.fail_on.rank for rank in counted))


def _root(files: Iterable[str], config: LoadedConfig) -> str:
    """The folder that SARIF's paths are relative to: the repository's root, else that of the configuration."""
    here = str(Path.cwd())
    reals = [os.path.realpath(path) for path in files if path != STDIN]
    first = os.path.dirname(reals[0]) if reals else here
    for root in (repository_of(here), repository_of(first), config.folder, here):
        if root is not None and all(path.startswith(os.path.realpath(root) + os.sep) for path in reals):
            return os.path.realpath(root)
    return os.path.commonpath([os.path.dirname(path) for path in reals])
