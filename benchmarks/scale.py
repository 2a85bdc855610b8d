"""How numalint scales: 100,000 domains, two processes, many findings, and other programs over the same files."""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from speed import CONFIG, HOST, cpu_seconds, domain, numalint

CHECK = ("check", ".", "--host", "kvm01")


NEWER = " clusters='1'"
"""What schemas of before libvirt 10.1 do not know."""


def fleet(folder: Path, domains: int, good: bool | None = None) -> str:
    """So many domains on one host; ``good`` or bad, or one in twenty bad."""
    folder.mkdir()
    (folder / "numalint.toml").write_text(CONFIG)
    (folder / "kvm01.toml").write_text(HOST)
    for number in range(1, domains + 1):
        (folder / f"vm{number}.xml").write_text(domain(number, good).replace(NEWER, ""))
    return str(folder)


def wall_seconds(command: list[str], folder: str) -> tuple[float, bytes]:
    """The time that a command takes, and what it prints."""
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - began, done.stdout


def peak_mib(command: list[str], folder: str) -> float:
    """The largest memory that a command has, measured by a process that has no other child."""
    program = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", program, *command], cwd=folder, capture_output=True, check=True)
    return int(done.stdout) / 1024


def told(name: str, value: float, goal: str) -> None:
    print(f"{name}: {value:.2f} (goal {goal})", flush=True)


def scale(made: Path, runs: int) -> None:
    small, large = fleet(made / "1000", 1_000), fleet(made / "100000", 100_000)
    command = numalint(*CHECK, "-f", "concise")
    least = statistics.median(cpu_seconds(command, small) for _ in range(runs)) / 1_000
    most = cpu_seconds(command, large) / 100_000
    told("a domain of 100,000 / of 1,000, CPU time", most / least, "at most 1.2")
    told("peak memory with 100,000 domains, MiB", peak_mib(command, large), "at most 250")
    shutil.rmtree(large)


def parallel(made: Path, runs: int) -> None:
    folder = fleet(made / "10000", 10_000)
    times: dict[str, list[float]] = {"1": [], "2": []}
    printed = set()
    for _ in range(runs):
        for jobs, each in times.items():
            seconds, text = wall_seconds(numalint(*CHECK, "-f", "json", "-j", jobs), folder)
            each.append(seconds)
            printed.add(text)
    one, two = (statistics.median(each) for each in times.values())
    cores = len(os.sched_getaffinity(0))
    told(f"-j 1 / -j 2 over 10,000 domains on {cores} cores, wall time", one / two, "at least 1.7")
    print(f"the same bytes: {'yes' if len(printed) == 1 else 'NO'}")
    shutil.rmtree(folder)


def findings(made: Path, runs: int) -> None:
    for number, format in ((10_000, "text"), (25_000, "sarif")):
        good, bad = fleet(made / f"good-{format}", number, True), fleet(made / f"bad-{format}", number, False)
        command = numalint(*CHECK, "-f", format)
        without, within = (statistics.median(cpu_seconds(command, each) for _ in range(runs)) for each in (good, bad))
        told(f"{number:,} findings in {format} / none, CPU time", within / without, "at most 3")
        shutil.rmtree(good)
        shutil.rmtree(bad)


def peers(made: Path, schema: str | None) -> None:
    """Programs that do less, where they are installed."""
    folder = fleet(made / "peers", 1_000)
    own = cpu_seconds(numalint(*CHECK, "-f", "concise"), folder)
    files = sorted(path.name for path in Path(folder).glob("*.xml"))
    if shutil.which("xmllint"):
        told("numalint / xmllint --noout, CPU time", own / cpu_seconds(["xmllint", "--noout", *files], folder), "none")
        if schema:
            validated = cpu_of(["xmllint", "--noout", "--relaxng", schema, *files], folder)
            told("numalint / xmllint --relaxng domain.rng, CPU time", own / validated, "less than 1")
            each = cpu_of_each(["xmllint", "--noout", "--relaxng", schema], files[:50], folder)
            told("xmllint --relaxng, a process a file / numalint, CPU time", each * len(files) / own, "at least 20")
    if shutil.which("virt-xml-validate"):
        each = cpu_of_each(["virt-xml-validate"], files[:50], folder)
        told("virt-xml-validate, a process a file / numalint, CPU time", each * len(files) / own, "at least 20")


def cpu_of_each(command: list[str], files: list[str], folder: str) -> float:
    """The CPU time of a process for one file, the mean over ``files``."""
    return sum(cpu_of([*command, file], folder) for file in files) / len(files)


def cpu_of(command: list[str], folder: str) -> float:
    """The CPU time of a program that may find files invalid: a schema may be older than what is in them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of how many runs the median is taken (3)")
    parser.add_argument("--schema", metavar="FILE", help="libvirt's domain.rng, for the peers that validate")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        peers(made, options.schema)
        findings(made, options.runs)
        parallel(made, options.runs)
        scale(made, options.runs)


if __name__ == "__main__":
    main()
