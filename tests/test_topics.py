"""The topics of ``numalint explain``: said once, complete, and with samples that are read as they stand."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from numalint.loaders.host import toml_keys


def test_explain_topology_prints_the_section_of_the_readme(numalint) -> None:
    text = files("numalint").joinpath("texts", "topology.md").read_text(encoding="utf-8")
    assert numalint("explain", "topology", "--format", "markdown").out == f"# topology\n\n{text}"
    readme = Path(__file__).resolve().parent.parent / "README.md"
    if not readme.exists():
        pytest.skip("the tests run without a checkout around them")
    assert f"## Describe the host\n\n{text}\n" in readme.read_text(encoding="utf-8")


def test_explain_topology_in_the_terminal_names_each_input(numalint) -> None:
    shown = numalint("explain", "topology").out
    for each in ("virsh capabilities", "nodedev", "lstopo", "lscpu", "numactl", "numastat", "--host local", "capture"):
        assert each in shown


def test_explain_host_toml_has_every_key() -> None:
    page = files("numalint").joinpath("texts", "host-toml.md").read_text(encoding="utf-8")
    tables = [each for each in vars(toml_keys).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    keys = {field.encode_name for table in tables for field in msgspec.structs.fields(table)} - {
        "topology",
        "nodes",
        "node",
    }
    said = set(re.findall(r"\w+", page))
    assert len(keys) > 40
    assert not keys - said


def test_the_samples_of_host_toml_are_hosts(numalint, tmp_path) -> None:
    page = files("numalint").joinpath("texts", "host-toml.md").read_text(encoding="utf-8")
    samples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(samples) == 3
    for number, sample in enumerate(samples):
        file = tmp_path / f"kvm{number}.host.toml"
        file.write_text(sample, encoding="utf-8")
        checked = numalint("topology", "check", str(file))
        assert (checked.code, checked.err) == (0, ""), checked.out
