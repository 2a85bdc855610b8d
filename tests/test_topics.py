"""The topics of ``numalint explain``: said once, complete, and with samples that are read as they stand."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from numalint import plugins
from numalint.engine.policy import Policies
from numalint.loaders import config as structs
from numalint.loaders.config import Config, Lint
from numalint.loaders.config_file import load_config
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


def text_of(topic: str) -> str:
    return files("numalint").joinpath("texts", f"{topic}.md").read_text(encoding="utf-8")


def keys_in(text: str) -> set[str]:
    """The keys in the first column of the tables of a text."""
    rows = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


def test_explain_numalint_toml_has_every_key_of_every_table(numalint) -> None:
    page = text_of("numalint-toml")
    assert numalint("explain", "numalint-toml", "--format", "markdown").out == f"# numalint-toml\n\n{page}"
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    for header, struct in {
        "At the top": Config,
        "`[hosts.NAME]`": structs.HostEntry,
        "`[[placement]]`": structs.PlacementEntry,
        "`[lint]`": Lint,
        "`[[overrides]]`": structs.Override,
        "`[[ignore]]`": structs.IgnoreEntry,
    }.items():
        assert keys_in(sections[header]) == {field.encode_name for field in msgspec.structs.fields(struct)}, header
    said = set(re.findall(r"`([\w-]+)`", sections["`[classes.NAME]`"]))
    assert said == {field.encode_name for field in msgspec.structs.fields(structs.ClassEntry)}


def samples_of_the_configuration() -> list[str]:
    pages = [text_of("numalint-toml")]
    readme = Path(__file__).resolve().parent.parent / "README.md"
    if readme.exists():
        pages.append(readme.read_text(encoding="utf-8").partition("## Configure it")[2])
    return [sample for page in pages for sample in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]


@pytest.mark.parametrize("sample", samples_of_the_configuration())
def test_the_samples_of_numalint_toml_are_configurations(tmp_path, sample: str) -> None:
    """Each loads, with an input for the host that it only adds to, and names rules that are there."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "hosts.toml").write_text("[hosts.kvm01]\ntopology = 'pack:2 numa:1 core:8 pu:2'\n")
    (site / "lint.toml").write_text("")
    file = tmp_path / "fleet" / ("pyproject.toml" if "tool.numalint" in sample else "numalint.toml")
    file.parent.mkdir()
    file.write_text(sample, encoding="utf-8")
    loaded = load_config(file)
    assert loaded.config != Config()
    rules = plugins.load().rules
    assert Policies(rules, loaded, Lint()).held is not None
    assert {name for each in loaded.config.ignore for name in each.rules} <= set(rules)


def test_the_defaults_that_numalint_toml_says_are_those_that_hold(numalint, tmp_path) -> None:
    page = text_of("numalint-toml")
    assert f'`fail-on` | `note`, `warning` or `error` | `"{Lint().fail_on.value}"`' in page
    (tmp_path / "numalint.toml").write_text("[hosts.a]\ntopology = 'pack:1 core:4 pu:1'\n")
    assert "hosts.a.overcommit = 3  # default" in numalint("config", "show", cwd=tmp_path).out
    assert "`overcommit` | number above 0 | 3 |" in page
