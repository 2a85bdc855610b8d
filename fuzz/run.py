"""Fuzz the reader of one kind of input, guided by what of numalint's code an input reaches.

python fuzz/run.py KIND FOLDER [options of libFuzzer]: FOLDER keeps the inputs that reach something new.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import atheris

TESTS = Path(__file__).resolve().parent.parent / "tests"
_WORD = re.compile(rb"[\w.:-]{2,24}")
_MOST_WORDS = 400

sys.path[:0] = [str(TESTS), str(TESTS.parent), str(TESTS.parent / "rules")]
with atheris.instrument_imports(include=["numalint", "numalint_rules"], enable_loader_override=False):
    from any_input import INPUTS, ends, rules

    rules()  # they are imported when they are asked for: here, so that what they reach is seen too


def main(kind: str, folder: str, *options: str) -> None:
    read, examples = INPUTS[kind]
    corpus = Path(folder)
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = list(examples())
    for number, seed in enumerate(seeds):
        (corpus / f"example-{number}").write_bytes(seed)
    words = sorted({word for seed in seeds for word in _WORD.findall(seed)})[:_MOST_WORDS]
    dictionary = corpus.with_suffix(".dict")
    dictionary.write_text("".join(f'"{word.decode()}"\n' for word in words))
    atheris.Setup(
        [sys.argv[0], str(corpus), f"-dict={dictionary}", f"-artifact_prefix={corpus}-", *options],
        lambda data: ends(read, data),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
