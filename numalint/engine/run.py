"""A whole run: paths to documents, domains to hosts, rules to findings, findings to a report."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from numalint.engine.baseline import stale_notice
from numalint.engine.declared import unmet_overrides
from numalint.engine.discover import STDIN, Excludes, Found, discover, repository_of
from numalint.engine.examine import Examined, Examiner
from numalint.engine.fleets import Fleets, Reporting
from numalint.engine.judge import Judge
from numalint.engine.locate import Locator
from numalint.engine.notices import NOTICES
from numalint.engine.page import Cards
from numalint.engine.refused import no_rule, nothing_judged
from numalint.engine.request import Request
from numalint.engine.suppress import Ran, Suppressor
from numalint.engine.workers import Watch, Workers, examined_by
from numalint.engine.world import Sniffer, World, host_problem
from numalint.loaders.config import LoadedConfig
from numalint.loaders.document import LoadError
from numalint.loaders.host.inputs import load_inputs
from numalint.model.claim import Claim
from numalint.model.report import Coverage, Known, Problem, Report, Result


def run(request: Request, workers: Workers | None = None, watch: Watch = iter) -> tuple[Report, list[str]]:
    """Do what a request asks for, with ``workers`` in several processes. Returns the report, and warnings that are no part of it.

    The report is the same with and without workers. ``watch`` is given the files, or with workers the parts of them, and
    gives them back as they are wanted, so that it can show how far it is. Raises LoadError for an ``[[ignore]]`` of the configuration that cannot be obeyed.
    """
    return _Run(request, workers, watch).report()


class _Run:
    def __init__(self, request: Request, workers: Workers | None, watch: Watch) -> None:
        self.request = request
        self.workers = workers
        self.watch = watch
        self.sniffer = Sniffer(request.formats)
        self.world = World(request.config, request.hosts, self.sniffer)
        self.judge = Judge(request.policies)
        obeyed = request.suppressible
        self.suppressor = None if obeyed is None else Suppressor(request.config, obeyed, request.today)
        self.locator = Locator(request.given)
        self.problems: list[Problem] = []
        self.suppressed = self.known = 0
        self.stale: list[Known] = []

    def report(self) -> tuple[Report, list[str]]:
        found = self._discover()
        self.shown = self._examined(found)
        self._judge_fleets(found)
        self._check_unused_hosts()
        results = self._results(found)
        self._require()
        if self._all_of_config(found):
            self.problems += unmet_overrides(self.request.config, self.request.policies.unused())
        told = (found.problems, self.world.problems, self.problems, self.judge.problems, self.locator.problems)
        problems = list(dict.fromkeys(itertools.chain(*told)))  # hosts of one class may share a broken input
        if not self.shown.domains and not problems and not results and not self.request.tracked:
            problems.append(nothing_judged(self.request.paths, found))
        if not self.request.policies.rules:
            problems.append(no_rule())
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

    def _examined(self, found: Found) -> Examined:
        """What the files show that are in the focus, here or by workers."""
        files = list(found.files.items())
        if self.workers is None:
            shown = Examiner(self.request, self.sniffer, self.world).examine(self.watch(files))
        else:
            shown = examined_by(self.workers, files, self.watch)
            for path in shown.read:
                self.world.hosts_of(path)  # as the worker did: what is wrong with hosts is to be known here
        self.judge.take_in(shown.said, shown.rules_failed, shown.unjudged)
        self.request.policies.used.update(shown.overrides)
        self.locator.at_hand.update(shown.files)
        self.problems += shown.problems
        if self.suppressor is not None:
            self.suppressor.take_in(shown.suppressions)
        return shown

    def _results(self, found: Found) -> list[Result]:
        """All results: what cannot be judged, what is wrong with suppressions and the baseline, and the findings."""
        for each in self.shown.malformed:
            self._read_again(each.span.path)
        faulty = self.shown.malformed + self.locator.results(self.shown.faulty)
        if self.suppressor is None:
            return [*faulty, *self._unknown(self.locator.results(self.judge.said), self._ran(found))]
        said, hidden = self.suppressor.apply(self.judge.said)
        self.suppressed = len(hidden)
        ran = self._ran(found)
        own = self.suppressor.results(ran)
        for each in own:
            self._read_again(each.span.path)
        said += (*self.suppressor.said(ran), *(hidden if self.request.show_suppressed else ()))
        return [*faulty, *self._unknown(own + self.locator.results(said), ran)]

    def _unknown(self, results: list[Result], ran: Ran) -> list[Result]:
        """The results without those that were there before, and with what is stale in the baseline."""
        for baseline in self.request.known:
            results = baseline.marked(results)
            self.stale += baseline.stale(results, lambda entry: self._seen_again(entry, ran))
            if self.stale and baseline.path:
                results.append(stale_notice(self.stale, baseline.path, self._read_again(baseline.path)))
        self.known = sum(each.suppressed_by == "baseline" for each in results)
        return [each for each in results if each.suppressed_by != "baseline" or self.request.show_suppressed]

    def _read_again(self, path: str) -> bytes:
        """The bytes of a file, for a reporter; none where it went away since, so that its place is told without its lines."""
        with contextlib.suppress(OSError):
            return self.locator.read(path)
        return b""

    def _seen_again(self, entry: Known, ran: Ran) -> bool:
        """Whether what a baseline lists would have been found, if it were there still."""
        documents = self.shown.documents.get(entry.domain, ())
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
        missed = self.problems or self.world.problems or self.shown.malformed or self.shown.refused or found.problems
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

    def _judge_fleets(self, found: Found) -> None:
        """Judge the domains of each host together, those that are declared and not in the focus among them."""
        neighbours = self._neighbours(found) if self.world.declared else []
        if not self.judge.judges_fleets:
            return
        fleets = Fleets()
        for path, at, claim in itertools.chain(self.shown.claims, neighbours):
            fleets.add(self.world.hosts_of(path)[at].host, claim)
        self.shown.claims.clear()
        reporting, focus = Reporting(self.locator.read), set(found.files)
        for fleet in fleets.fleets(self.world.fleet):
            self.judge.judge_fleet(fleet, reporting, focus)
        self.problems += reporting.problems.values()

    def _neighbours(self, found: Found) -> list[tuple[str, int, Claim]]:
        """The claims of the domains that the configuration declares and that are not in the focus."""
        focus = {os.path.realpath(path) for path in found.files}
        roots = [os.path.relpath(folder) for folder in self.request.config.folders]
        beyond = discover(roots, self._excludes(), tracked=self.request.tracked)
        examiner = Examiner(self.request, self.sniffer, self.world)
        for path in beyond.files:
            if self.world.is_claimed(path) and os.path.realpath(path) not in focus and self.judge.judges_fleets:
                examiner.claims(path)
        self.problems += examiner.found.problems
        if not self.request.exclude:
            self.problems += self.world.unmet()
        return examiner.found.claims

    def _check_unused_hosts(self) -> None:
        """A host that no domain is on is read too: a broken one is said on the day that it breaks."""
        self.world.read_unused()
        for path in self.shown.host_files:
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
            domains=self.shown.domains,
            hosts=tuple(sorted(self.world.hosts)),
            rules=len(self.request.policies.rules),
            without_host=self.shown.without_host,
            passed_over=dict(sorted(self.shown.passed_over.items())),
            excluded=found.excluded,
            suppressed=self.suppressed,
            known=self.known,
        )

    def _exit_code(self, results: Iterable[Result], problems: list[Problem]) -> int:
        if problems or self.shown.malformed or self.shown.refused:
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
