"""The process of the command line: ``numalint`` and ``python -m numalint``."""

from __future__ import annotations

import gc
import os
import sys

INTERRUPTED = 130
"""The exit code of what Ctrl-C ends, as shells have it."""


def run() -> None:
    """Run the command line without the collector of cycles.

    What a run makes has none, so counting references frees it. To look for them costs an eighth of a short run, most
    of it at the end: the interpreter looks through all that is left, unless that is frozen.
    """
    gc.disable()
    try:
        _open_what_is_closed()
        _main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()


def _open_what_is_closed() -> None:
    """Let a standard stream that was closed before the start (``>&-``) be one that goes nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # as long as the process


def _main() -> None:
    import click  # noqa: PLC0415  # its imports are much of what would be looked through

    from numalint.cli import main  # noqa: PLC0415  # the same

    try:
        os.getcwd()
    except OSError as error:
        click.echo(f"error: the current folder is not there any more: {error.strerror}", err=True)
        sys.exit(2)
    try:
        sys.exit(main(prog_name="numalint", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except MemoryError:
        click.echo("error: there is not enough memory: check fewer files at a time", err=True)
        sys.exit(2)
    except BrokenPipeError:
        _forget_output()  # whoever reads has seen enough
        sys.exit(1)
    except OSError as error:
        what = "what was found cannot be printed" if error.filename is None else repr(error.filename)
        click.echo(f"error: {what}: {error.strerror}", err=True)
        _forget_output()
        sys.exit(2)


def _forget_output() -> None:
    """Let what is left for standard output go nowhere, so that its end is no second error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
