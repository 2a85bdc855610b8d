"""``numalint schema``."""

from __future__ import annotations

from importlib import import_module

import click

SCHEMAS = {
    "config": ("numalint.reporters.config_schema", "config_schema"),
    "report": ("numalint.reporters.json_schema", "report_schema"),
}
"""What has a schema, with the module and the function that make it."""


@click.command(short_help="Print a JSON Schema.")
@click.argument("name", type=click.Choice(sorted(SCHEMAS)))
def schema(name: str) -> None:
    """Print the JSON Schema of what numalint reads or writes.

    config: numalint.toml, for editors that complete and check TOML.

    report: what --format json prints.
    """
    module, function = SCHEMAS[name]
    click.echo(getattr(import_module(module), function)(), nl=False)
