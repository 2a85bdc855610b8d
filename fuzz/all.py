"""Fuzz the reader of every kind of input, as many at a time as there are CPUs; exit code 1 where one has a defect.

python fuzz/all.py SECONDS FOLDER [KIND...]: SECONDS for each, FOLDER keeps what was found.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_STARTING = 60
"""So many seconds a run may take beside its time: to import everything, and for an input that takes long."""
_LAST_LINES = 40

sys.path[:0] = [str(ROOT / "tests"), str(ROOT), str(ROOT / "rules")]
from any_input import INPUTS


def fuzzed(kind: str, seconds: int, folder: Path) -> bool:
    """Whether a reader has survived; says how many inputs it was given, or what it ended in."""
    bounds = [f"-max_total_time={seconds}", "-timeout=50", "-rss_limit_mb=2000", "-print_final_stats=1"]
    command = [sys.executable, str(ROOT / "fuzz" / "run.py"), kind, str(folder / kind), *bounds]
    with open(folder / f"{kind}.log", "w+", encoding="utf-8", errors="replace") as log:
        try:
            code = subprocess.run(command, stdout=log, stderr=log, check=False, timeout=seconds + _STARTING).returncode
        except subprocess.TimeoutExpired:
            code = 1
            log.write("\nit did not end\n")
        log.seek(0)
        said = log.read()
    inputs = re.findall(r"number_of_executed_units: (\d+)", said)
    if code == 0 and inputs:
        print(f"{kind}: {int(inputs[-1]):,} inputs", flush=True)
        return True
    print(f"{kind}:\n" + "\n".join(said.splitlines()[-_LAST_LINES:]), flush=True)
    return False


def main(seconds: str, folder: str, *kinds: str) -> int:
    into = Path(folder).resolve()
    into.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as several:
        survived = list(several.map(lambda kind: fuzzed(kind, int(seconds), into), kinds or INPUTS))
    return 0 if all(survived) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
