"""``numalint config``: what is configured, and where each value comes from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import click

from numalint.cli.common import Failure, text_option
from numalint.cli.request import config_for
from numalint.loaders.config import LoadedConfig
from numalint.loaders.config_origins import Origin, origins
from numalint.loaders.config_search import NAME
from numalint.reporters.host import toml_text
from numalint.reporters.host.toml_text import Raw
from numalint.reporters.json_text import json_text
from numalint.reporters.terminal import printable


@click.group(short_help="Show the configuration in effect.")
def config() -> None:
    """Work with numalint.toml. numalint explain numalint-toml says what each of its keys does."""


@config.command(short_help="Print each value in effect, and where it comes from.")
@click.argument("path", default=".", type=click.Path())
@text_option("--config", "file", metavar="FILE", help="Show this configuration, not the nearest numalint.toml.")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(path: str, file: str | None, format: str) -> None:
    """Print the configuration for PATH (default: the current folder): each value with the file and line that say it.

    What is printed is TOML itself: one value a line, then the tables of arrays. A host has what its class gives it. At
    the end are the environment variables that are options of numalint check, which win over the configuration.
    """
    if not os.path.exists(path):
        raise Failure(f"{printable(path)}: there is no such file or folder")
    loaded = config_for(file, (path,))
    values = origins(loaded)
    if format == "json":
        objects = [_object(each) for each in values]
        click.echo(json_text(objects), nl=False)
        return
    sections = (_head(path, loaded), _lines(values), *_tables(values), _environment(os.environ))
    click.echo("\n\n".join("\n".join(lines) for section in sections if (lines := list(section))).encode())


def _head(path: str, loaded: LoadedConfig) -> Iterator[str]:
    if loaded.path is None:
        yield f"# There is no {NAME} for {printable(path)}: these are the defaults."
        return
    yield f"# The configuration for {printable(path)}: {printable(loaded.path)}. Paths and globs are relative to its folder."


def _lines(values: Iterable[Origin]) -> Iterator[str]:
    """A line for each value. What is extended is in the other lines already: read again, it would be there twice."""
    for each in values:
        if not isinstance(each.keys[-1], int):
            hidden = "# " if each.keys == ("extend",) else ""
            yield f"{hidden}{_name(each)} = {_value(each.value)}  # {_said(each)}"


def _tables(values: Iterable[Origin]) -> Iterator[list[str]]:
    """The tables of arrays, with all that is in each."""
    for each in values:
        if isinstance(each.keys[-1], int):
            inside = [f"{toml_text.key(key)} = {_value(value)}" for key, value in each.value.items()]
            yield [f"[[{_name(each)}]]  # {_said(each)}", *inside]


def _name(origin: Origin) -> str:
    """The keys of a value as TOML writes them; of a table of an array without its number."""
    return ".".join(toml_text.key(key) for key in origin.keys if isinstance(key, str))


def _value(of: Any) -> Raw:
    """A value as TOML writes it."""
    if isinstance(of, dict):
        return toml_text.table({key: _value(each) for key, each in of.items()})
    if isinstance(of, list):
        return toml_text.array(map(_value, of))
    if isinstance(of, float) and of.is_integer():
        of = int(of)
    return Raw(of.isoformat() if isinstance(of, date) else of if isinstance(of, float) else toml_text.value(of))


def _said(origin: Origin) -> str:
    """Where a value comes from, in words."""
    if origin.file is None:
        return "default"
    place = printable(origin.file if origin.line is None else f"{origin.file}:{origin.line}")
    return place if origin.class_ is None else f"{place}, from [classes.{printable(toml_text.key(origin.class_))}]"


def _object(origin: Origin) -> dict[str, Any]:
    """A value for programs."""
    return {
        "key": _name(origin),
        "value": origin.value,
        "file": origin.file,
        "line": origin.line,
        "class": origin.class_,
    }


def _environment(variables: Mapping[str, str]) -> Iterator[str]:
    """The environment variables that numalint check takes for options, and those that it does not know."""
    from numalint.cli.check import VARIABLE, check, variable_of  # noqa: PLC0415  # most of the time there are none

    options = {variable_of(each.name or ""): each for each in check.params if isinstance(each, click.Option)}
    for name in sorted(each for each in variables if each.startswith(VARIABLE)):
        what = (
            f"it is {options[name].opts[-1]} and wins"
            if name in options
            else "no option of numalint check has this name"
        )
        yield f"# {printable(name)} = {_value(variables[name])}  # the environment: {what}"
