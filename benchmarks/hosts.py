"""CPU time to load the largest host of each format, as a ratio to bare lxml over the same bytes, all in one run.

The folder of the corpus is the argument, or NUMALINT_CORPUS, or ../shared/corpus beside the project.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from numalint.loaders.document import Document
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import load_host, read_document

RUNS = 15
GOAL = 10
ENOUGH = 0.02
"""A sample takes at least so many seconds, however small the file is."""


def parse(data: bytes) -> object:
    return etree.fromstring(data)


def parse_stream(data: bytes) -> object:
    """Many documents one after another: in a root of their own, as no XML parser takes them otherwise."""
    return etree.fromstring(b"<stream>" + data + b"</stream>")


FORMATS_MEASURED: dict[str, Callable[[bytes], object]] = {
    "capabilities": parse,
    "hwloc": parse,
    "nodedev": parse_stream,
}
"""Each format with what its bytes are given to bare, which is what the loader is compared with."""


def refuse(path: str) -> None:
    sys.exit(f"{path}: no file of the corpus names another")


def load(document: Document) -> object:
    return load_host(document, FORMATS, refuse)


def repeats(work: Callable[[], object]) -> int:
    """How often a piece of work is done in one sample."""
    started = time.process_time()
    work()
    return max(1, round(ENOUGH / max(time.process_time() - started, 1e-6)))


def sample(work: Callable[[], object], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def measure(bare: Callable[[], object], loaded: Callable[[], object]) -> tuple[float, float]:
    """The median CPU seconds of both, taken in turn so that a slow moment hits both."""
    counts = repeats(bare), repeats(loaded)
    pairs = [(sample(bare, counts[0]), sample(loaded, counts[1])) for _ in range(RUNS + 1)]
    return statistics.median(pair[0] for pair in pairs[1:]), statistics.median(pair[1] for pair in pairs[1:])


def main() -> None:
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
    corpus = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NUMALINT_CORPUS", beside))
    if not (corpus / "hosts").is_dir():
        sys.exit(f"{corpus} is no corpus: it has no folder hosts")
    worst = 0.0
    for name, bare in FORMATS_MEASURED.items():
        largest = max((corpus / "hosts" / name).iterdir(), key=lambda path: path.stat().st_size)
        document = read_document(str(largest))
        bare_seconds, seconds = measure(lambda: bare(document.data), lambda: load(document))  # noqa: B023  # used at once
        worst = max(worst, seconds / bare_seconds)
        print(
            f"{name:<12} {len(document.data) / 1024:6.0f} KiB  bare {bare_seconds * 1000:6.2f} ms  "
            f"numalint {seconds * 1000:6.2f} ms  ratio {seconds / bare_seconds:5.2f}  {largest.name}"
        )
    print(f"worst ratio {worst:.2f} (goal: under {GOAL})")


if __name__ == "__main__":
    main()
