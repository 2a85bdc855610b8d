"""The process of the command line: ``numalint`` and ``python -m numalint``."""

from __future__ import annotations

import gc


def run() -> None:
    """Run the command line without the collector of cycles.

    What a run makes has none, so counting references frees it. To look for them costs an eighth of a short run, most
    of it at the end: the interpreter looks through all that is left, unless that is frozen.
    """
    gc.disable()
    from numalint.cli import main  # noqa: PLC0415  # its imports are much of what would be looked through

    try:
        main(prog_name="numalint")
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
