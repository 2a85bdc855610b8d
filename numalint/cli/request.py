"""What the commands that judge domains have in common: their options, and the request that is made of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from msgspec.structs import replace

from numalint import __version__, plugins
from numalint.cli.common import EMPTY, Failure, host_option, load_plugins, located, not_empty, text_option
from numalint.engine.baseline import Baseline
from numalint.engine.discover import STDIN
from numalint.engine.notices import IGNORABLE
from numalint.engine.policy import Policies
from numalint.engine.request import Request
from numalint.engine.select import UnknownRule
from numalint.engine.suppress import Suppressible
from numalint.loaders.config import Config, Lint, LoadedConfig
from numalint.loaders.config_check import refusal
from numalint.loaders.config_search import find_config
from numalint.loaders.document import LoadError
from numalint.loaders.host.inputs import LOCAL
from numalint.model.domain import NEWEST_LIBVIRT, Release

LIBVIRT_FOLDER = "/etc/libvirt/qemu"

Command = TypeVar("Command", bound=Callable[..., Any])


def _comma(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names by repeating an option or between commas."""
    names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
    if values and not names:
        raise click.BadParameter(EMPTY, context, parameter)
    return names


def names_option(*flags: str, help: str) -> Callable[..., Any]:
    """An option that takes names, by repeating it or between commas."""
    return click.option(*flags, multiple=True, callback=_comma, metavar="NAME", help=help)


_OPTIONS = (
    click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(), callback=not_empty),
    host_option,
    text_option("--config", metavar="FILE", help="Use this configuration, not the nearest numalint.toml."),
    names_option("--select", help="Run only these rules or categories."),
    names_option("--extend-select", help="Run these rules or categories too."),
    names_option("--ignore", help="Leave out these rules or categories."),
    text_option("--exclude", multiple=True, metavar="GLOB", help="Leave out files and folders that match."),
    click.option("--tracked", is_flag=True, help="Look only at files that git tracks."),
    text_option(
        "--target-libvirt", metavar="RELEASE", help="Judge for this release of libvirt, such as 9.0 (newest known)."
    ),
    click.option("--no-local-rules", is_flag=True, help="Do not run the rules that numalint.toml names in rules."),
    click.option("--today", type=click.DateTime(["%Y-%m-%d"]), hidden=True),
)


def judging_options(command: Command) -> Command:
    """PATHS, and the options that say which domains are judged by which rules on which hosts."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Asked(msgspec.Struct, frozen=True):
    """What a command line asks for: the paths, the configuration that is for them, and all rules and formats there are."""

    paths: tuple[str, ...]
    config: LoadedConfig
    loaded: plugins.Plugins
    options: dict[str, Any]

    def policies(self, config: LoadedConfig) -> Policies:
        """The policies of a configuration under the options. Raises Failure for a rule that there is not."""
        options = self.options
        named = Lint(
            select=list(options["select"]) or None,
            extend_select=list(options["extend_select"]),
            ignore=list(options["ignore"]),
        )
        try:
            return Policies(self.loaded.rules, config, named, IGNORABLE)
        except LoadError as error:
            raise Failure(located(error)) from error
        except UnknownRule as error:
            raise Failure(str(error)) from error

    @property
    def suppressible(self) -> Suppressible:
        """Which rules may be suppressed. Raises Failure for a rule that there is not."""
        try:
            held = self.policies(self.config).held
        except LoadError as error:
            raise Failure(located(error)) from error
        return Suppressible(
            {id: rule.suppressible and id not in held for id, rule in self.loaded.rules.items()},
            incomplete=self.options["no_local_rules"] and bool(self.config.config.rules),
        )


def asked_for(paths: tuple[str, ...], options: dict[str, Any]) -> Asked:
    """What is asked for by PATHS and options. Raises Failure for what cannot be loaded."""
    paths = paths or _usual_paths(options["hosts"])
    config = config_for(options["config"], paths)
    return Asked(paths, config, load_plugins([] if options["no_local_rules"] else _local_rules(config)), options)


def _local_rules(config: LoadedConfig) -> list[str]:
    """The files and folders of rules that a configuration names. Raises Failure for one that is not there."""
    found = {path: os.path.relpath(os.path.join(config.folder, path)) for path in config.config.rules}
    for written, path in found.items():
        if not os.path.exists(path):
            raise Failure(located(refusal(config, ("rules",), f"there is no file or folder {written!r}")))
    return list(found.values())


def request_for(asked: Asked, **more: Any) -> Request:
    """The request to judge what is asked for. ``more`` are the fields that only one command has options for."""
    options, written = asked.options, asked.config.config.lint
    release = options["target_libvirt"] or written.target_libvirt
    try:
        libvirt = Release.parse(release) if release else NEWEST_LIBVIRT
    except ValueError as error:
        if options["target_libvirt"]:
            raise Failure(f"--target-libvirt: {error}") from error
        raise Failure(located(refusal(asked.config, ("lint", "target-libvirt"), str(error)))) from error
    fields: dict[str, Any] = {
        "paths": asked.paths,
        "config": asked.config,
        "policies": asked.policies(asked.config),
        "formats": asked.loaded.formats,
        "today": (options["today"] or datetime.now(UTC)).date(),
        "suppressible": asked.suppressible,
        "hosts": options["hosts"],
        "exclude": options["exclude"],
        "silent": IGNORABLE.intersection([*written.ignore, *options["ignore"]]),
        "tracked": options["tracked"],
        "libvirt": libvirt,
        "version": __version__,
    }
    return Request(**fields | more)


def remaking(asked: Asked, request: Request) -> Callable[[], Request]:
    """What makes a request anew in another process, as far as files are examined there; it can be pickled."""
    known, obeyed = bool(request.known), request.suppressible is not None
    return functools.partial(_remade, asked.paths, asked.options, request.given, known=known, obeyed=obeyed)


def _remade(
    paths: tuple[str, ...], options: dict[str, Any], given: dict[str, bytes], *, known: bool, obeyed: bool
) -> Request:
    """``known``: whether anything was there before; ``obeyed``: whether suppressions are."""
    request = request_for(asked_for(paths, options), given=given, known=(Baseline((), ""),) if known else ())
    return request if obeyed else replace(request, suppressible=None)


def _usual_paths(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Where to look when no path is given: on the machine itself, where libvirt keeps its domains."""
    return (LIBVIRT_FOLDER,) if LOCAL in hosts and os.path.isdir(LIBVIRT_FOLDER) else (".",)


def config_for(path: str | None, paths: tuple[str, ...]) -> LoadedConfig:
    """The configuration that is named, else the nearest to the first path that is a file or folder."""
    first = next((Path(each) for each in paths if each != STDIN and Path(each).exists()), Path())
    start = first.resolve() if first.is_dir() else first.resolve().parent
    try:
        found = Path(path) if path is not None else find_config(start)
        if found is None:
            return LoadedConfig(Config(), str(Path.cwd()))
        from numalint.loaders.config_file import load_config  # noqa: PLC0415  # not every folder has one

        return load_config(found)
    except LoadError as error:
        raise Failure(located(error)) from error
