"""``numalint check --since``: what was there at an earlier revision, by judging the world as it was then."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from msgspec.structs import replace

from numalint.cli.common import Failure, located
from numalint.cli.request import Asked
from numalint.engine.baseline import Baseline, baseline_of
from numalint.engine.discover import repository_of
from numalint.engine.request import Request
from numalint.engine.revision import GitError, check_out
from numalint.engine.run import run
from numalint.loaders.config import Config, LoadedConfig
from numalint.loaders.config_file import load_config
from numalint.loaders.config_search import find_config
from numalint.loaders.document import LoadError
from numalint.loaders.host.inputs import is_path


def known_at(revision: str, asked: Asked, request: Request) -> Baseline:
    """The findings of all domains of the repository at a revision, judged by the rules of today.

    Raises Failure where there is no repository, no such revision, or a configuration that cannot be read.
    """
    repository = repository_of(asked.config.folder if asked.config.path else os.getcwd())
    if repository is None:
        raise Failure("--since needs a git repository, and this is in none")
    with tempfile.TemporaryDirectory(prefix="numalint-") as folder:
        try:
            check_out(repository, revision, folder)
            config = _config(asked, _Then(repository, folder))
            report, _ = run(_request(asked, request, config, _Then(repository, folder)))
        except GitError as error:
            raise Failure(f"--since {revision}: {error}") from error
        except LoadError as error:
            error.path = os.path.relpath(os.path.realpath(error.path), os.path.realpath(folder))  # as in the repository
            raise Failure(f"--since {revision}: what it had cannot be judged: {located(error)}") from error
    return baseline_of(report.results, f"it was there at {revision}")


class _Then:
    """Where a path of today was then."""

    def __init__(self, repository: str, folder: str) -> None:
        self._repository = os.path.realpath(repository)
        self.folder = folder

    def path(self, path: str) -> str | None:
        """None for what is outside the repository, or was not there."""
        relative = os.path.relpath(os.path.realpath(path), self._repository)
        then = os.path.join(self.folder, relative)
        return then if relative.partition(os.sep)[0] != os.pardir and os.path.lexists(then) else None


def _config(asked: Asked, then: _Then) -> LoadedConfig:
    """The configuration as it was; without one, the defaults."""
    named = asked.options["config"]
    if named:
        path = then.path(named) or named
        return load_config(Path(path))
    folder = then.path(asked.config.folder)
    found = None if folder is None else find_config(Path(folder))
    return LoadedConfig(Config(), folder or then.folder) if found is None else load_config(found)


def _request(asked: Asked, request: Request, config: LoadedConfig, then: _Then) -> Request:
    return replace(
        request,
        paths=(then.folder,),
        config=config,
        policies=asked.policies(config),
        hosts=tuple((is_path(each) and then.path(each)) or each for each in request.hosts),
        exclude=(),
        given={},
        known=(),
        show_suppressed=False,
        require=frozenset(),
    )
