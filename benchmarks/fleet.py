"""CPU time of the rules across domains: 1,000 domains on 20 hosts against the same without them, and how it grows."""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from speed import HOST, cpu_seconds, domain, numalint

DOMAINS, HOSTS = 1_000, 20
SIZES = (1_000, 2_000, 4_000, 8_000)


def fleet(folder: Path, domains: int, hosts: int) -> Path:
    """``domains`` on ``hosts`` alike, each with a folder of its own."""
    folder.mkdir()
    (folder / "host.toml").write_text(HOST)
    tables = "".join(
        f"[hosts.kvm{host}]\ntopology = 'host.toml'\ndomains = ['kvm{host}/']\novercommit = 100000\n"
        for host in range(hosts)
    )
    (folder / "numalint.toml").write_text(tables)
    for number in range(1, domains + 1):
        home = folder / f"kvm{number % hosts}"
        home.mkdir(exist_ok=True)
        (home / f"vm{number}.xml").write_text(domain(number))
    return folder


def medians(folders: list[Path], runs: int) -> list[tuple[float, float]]:
    """CPU seconds over each folder, with all rules and without those across domains; the commands in turn."""
    commands = [numalint("check", ".", "-f", "concise", *more) for more in ((), ("--ignore", "host-wide"))]
    times: list[tuple[list[float], list[float]]] = [([], []) for _ in folders]
    for _ in range(runs):
        for folder, (whole, apart) in zip(folders, times, strict=True):
            whole.append(cpu_seconds(commands[0], str(folder)))
            apart.append(cpu_seconds(commands[1], str(folder)))
    return [(statistics.median(whole), statistics.median(apart)) for whole, apart in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of how many runs the median is taken (5)")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as made:
        many = fleet(Path(made) / "many", DOMAINS, HOSTS)
        growing = [fleet(Path(made) / str(size), size, 1) for size in SIZES]
        (whole, apart), *grown = medians([many, *growing], options.runs)
    print(f"{DOMAINS:,} domains on {HOSTS} hosts / each by itself: {whole / apart:.2f} (goal 1.5)")
    extra = [whole - apart for whole, apart in grown]
    for size, each in zip(SIZES, extra, strict=True):
        print(f"{size:>6,} domains on one host: {each * 1e6 / size:6.1f} us CPU a domain for the rules across domains")
    print(
        f"of {SIZES[-1]:,} a domain / of {SIZES[0]:,}: {extra[-1] / extra[0] * SIZES[0] / SIZES[-1]:.2f} (goal 1.3: n log n)"
    )


if __name__ == "__main__":
    main()
