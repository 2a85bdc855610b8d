"""``python -m numalint``."""

from numalint.cli import main

main(prog_name="numalint")
