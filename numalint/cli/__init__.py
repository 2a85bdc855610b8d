"""The command line, where everything is put together: one module a command, imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from numalint import __version__
from numalint.loaders.nearest_name import did_you_mean

CONTEXT = {"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "NUMALINT", "max_content_width": 100}

COMMANDS = {
    "baseline": "baseline",
    "check": "check",
    "completion": "completion",
    "config": "config",
    "explain": "rules",
    "init": "init",
    "rules": "rules",
    "schema": "schema",
    "show": "show",
    "topology": "topology",
}
"""Each command with the module that has it."""


class _Commands(click.Group):
    """The commands by name; ``numalint check`` need not pay for the imports of the others."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"numalint.cli.{COMMANDS[name]}"), name)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not context.resilient_parsing:
            meant = did_you_mean(args[0], COMMANDS, "").capitalize()
            context.fail(f"There is no command {args[0]!r}. {meant}".rstrip())
        return super().resolve_command(context, args)


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.version_option(__version__, "-V", "--version", message="numalint %(version)s")
def main() -> None:
    """Find what is wrong with the NUMA placement of libvirt domains, on the hosts that you declare."""
