"""``numalint schema config``: it takes what the loader takes, refuses what that refuses, and describes each key."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from numalint.loaders import config as structs
from numalint.loaders.config import Config
from numalint.loaders.config_file import load_config
from numalint.loaders.document import LoadError
from numalint.reporters.config_schema import config_schema
from numalint.reporters.host import toml_text

SCHEMA = json.loads(config_schema())
VALID = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
HOST = "[hosts.a]\ntopology = 'pack:1 core:4 pu:1'\n"


def as_json(value: Any) -> Any:
    """A value of TOML as editors validate it: a date is a string."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def accepts(text: str) -> bool:
    """Whether the schema takes a configuration."""
    return VALID.is_valid(as_json(tomllib.loads(text)))


def loads(folder: Path, text: str) -> bool:
    """Whether the loader takes a configuration."""
    file = folder / "numalint.toml"
    file.write_text(text, encoding="utf-8")
    try:
        load_config(file)
    except LoadError:
        return False
    return True


def test_the_command_prints_a_schema_that_is_one(numalint) -> None:
    printed = numalint("schema", "config")
    assert (printed.code, printed.out, printed.err) == (0, config_schema(), "")
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "numalint.toml"
    assert "numalint explain numalint-toml" in SCHEMA["description"]
    assert not [each for each in ("null", "numalint-glob", "``") if each in printed.out]


def tables() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "Config", SCHEMA
    yield from SCHEMA["$defs"].items()


def test_every_key_is_there_and_described() -> None:
    for name, table in tables():
        assert table["description"]
        if name == "Severity":
            assert table["enum"] == ["note", "warning", "error"]
            continue
        assert table["additionalProperties"] is False
        struct = getattr(structs, name)
        assert set(table["properties"]) == {field.encode_name for field in msgspec.structs.fields(struct)}
        assert all(each["description"] for each in table["properties"].values())
    assert SCHEMA["$defs"]["IgnoreEntry"]["properties"]["until"]["format"] == "date"
    assert SCHEMA["$defs"]["IgnoreEntry"]["required"] == ["rules", "reason"]


def test_the_configuration_of_the_examples_is_valid(examples: Path) -> None:
    assert accepts((examples / "numalint.toml").read_text(encoding="utf-8"))


def test_the_samples_of_the_pages_are_valid() -> None:
    pages = [files("numalint").joinpath("texts", "numalint-toml.md").read_text(encoding="utf-8")]
    readme = Path(__file__).resolve().parent.parent / "README.md"
    if readme.exists():
        pages.append(readme.read_text(encoding="utf-8").partition("## Configure it")[2])
    samples = [sample for page in pages for sample in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    assert len(samples) > 6
    for sample in samples:
        whole = tomllib.loads(sample)
        own = whole.get("tool", {}).get("numalint", whole)
        assert [each.message for each in VALID.iter_errors(as_json(own))] == [], sample


@pytest.mark.parametrize(
    "text",
    [
        "",
        HOST,
        f"{HOST}housekeeping-cpus = ''\nreserved-memory = '2 GiB'\novercommit = 2\n",
        f"{HOST}housekeeping-cpus = ' 0-1 , 16, 18 - 19 ,'\nreserved-memory = {{ 0 = '4gib', 1 = '512m' }}\n",
        f"{HOST}housekeeping-cpus = '0-7,^3'\nexclusive-groups = [['a', 'b'], []]\n",
        f"{HOST}class = 'x'\n[classes.x]\novercommit = 1.5\n",
        "[hosts.a]\nclass = 'x'\n[classes.x]\ntopology = ['a.xml', 'b.xml']\n",
        f"{HOST}[[placement]]\ndomains = ['*.xml']\nhosts = ['a']\n",
        "[lint]\nselect = ['all']\nseverity = { memory = 'note' }\nfail-on = 'error'\ntarget-libvirt = '9.0'\n",
        "[[overrides]]\npath = 'lab/'\nignore = ['memory']\n",
        "[[overrides]]\nclass = '*'\nseverity = { memory = 'error' }\n[classes.x]\n",
        "[[ignore]]\nrules = ['x']\nreason = 'y'\nuntil = 2026-12-31\nowner = '@a'\n",
        "[[ignore]]\nrules = ['x']\nreason = 'y'\nuntil = '2026-12-31'\n",
        "exclude = ['old/']\nrules = ['own/']\nbaseline = 'known.json'\n",
    ],
)
def test_what_the_loader_takes_is_valid(tmp_path: Path, text: str) -> None:
    assert (loads(tmp_path, text), accepts(text)) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "[host.a]\n",
        f"{HOST}topolgy = 'x'\n",
        "[hosts.a]\ntopology = ''\n",
        "[hosts.a]\ntopology = 1\n",
        f"{HOST}housekeeping-cpus = '0-'\n",
        f"{HOST}housekeeping-cpus = '^0-3'\n",
        f"{HOST}housekeeping-cpus = 3\n",
        f"{HOST}reserved-memory = '4 GB'\n",
        f"{HOST}reserved-memory = '4'\n",
        f"{HOST}reserved-memory = {{ one = '4 GiB' }}\n",
        f"{HOST}reserved-memory = {{ 0 = 4 }}\n",
        f"{HOST}overcommit = 0\n",
        f"{HOST}domains = '*.xml'\n",
        f"{HOST}domains = ['']\n",
        f"{HOST}[[placement]]\ndomains = []\nhosts = ['a']\n",
        f"{HOST}[[placement]]\nhosts = ['a']\n",
        f"{HOST}[[placement]]\ndomains = ['*.xml']\n",
        f"{HOST}[[placement]]\ndomains = ['*.xml']\nhosts = []\n",
        "[lint]\nfail-on = 'fatal'\n",
        "[lint]\nseverity = { memory = 'high' }\n",
        "[lint]\nselect = 'all'\n",
        "[[overrides]]\nignore = ['memory']\n",
        "[[overrides]]\npath = 'lab/'\n",
        "[[overrides]]\ndomain = ''\nignore = ['memory']\n",
        "[[overrides]]\npath = 'lab/'\nignore = []\n",
        "[[ignore]]\nreason = 'y'\n",
        "[[ignore]]\nrules = ['x']\n",
        "[[ignore]]\nrules = ['x']\nreason = 'y'\nuntil = 'soon'\n",
        "[[ignore]]\nrules = ['x']\nreason = 'y'\nuntil = 2026\n",
        "extend = ''\n",
        "baseline = ''\n",
        "exclude = 'old/'\n",
    ],
)
def test_what_the_loader_refuses_is_invalid(tmp_path: Path, text: str) -> None:
    assert (loads(tmp_path, text), accepts(text)) == (False, False)


TEXTS = st.sampled_from(["a", "memory", "0-1", "^3", "4 GiB", "4 GB", "", "note", "2026-12-31", "*.xml"])
VALUES = st.recursive(
    TEXTS | st.integers(-1, 2),
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(st.sampled_from(["0", "a"]), inside, max_size=2),
    max_leaves=3,
)


def keys_of(struct: type) -> st.SearchStrategy[str]:
    return st.sampled_from([*(field.encode_name for field in msgspec.structs.fields(struct)), "slip"])


def some(struct: type) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(keys_of(struct), VALUES, max_size=4)


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "hosts": st.dictionaries(st.just("a"), some(structs.HostEntry), max_size=1),
        "classes": st.dictionaries(st.just("a"), some(structs.ClassEntry), max_size=1),
        "placement": st.lists(some(structs.PlacementEntry), max_size=1),
        "lint": some(structs.Lint),
        "overrides": st.lists(some(structs.Override), max_size=2),
        "ignore": st.lists(some(structs.IgnoreEntry), max_size=2),
        "exclude": VALUES,
        "baseline": VALUES,
    },
)


@settings(deadline=None, max_examples=300)
@given(CONFIGS)
def test_the_schema_takes_what_fits_the_structs_and_refuses_what_does_not(made: dict[str, Any]) -> None:
    """Anything that the structs refuse is invalid; what they take is, unless it is among what check_config demands."""
    try:
        msgspec.convert(made, Config, strict=True)
    except msgspec.ValidationError:
        assert not VALID.is_valid(made)
        return
    for error in VALID.iter_errors(made):
        demanded = {"pattern", "anyOf", "propertyNames"} | {each.validator for each in error.context}
        assert error.validator in demanded


def written(value: Any) -> toml_text.Raw:
    if isinstance(value, dict):
        return toml_text.table({key: written(each) for key, each in value.items()})
    return toml_text.array(map(written, value)) if isinstance(value, list) else toml_text.Raw(toml_text.value(value))


@settings(deadline=None, max_examples=200)
@given(made=CONFIGS)
def test_what_is_invalid_does_not_load(made: dict[str, Any]) -> None:
    text = "".join(f"{key} = {written(value)}\n" for key, value in made.items())
    if not accepts(text):
        with TemporaryDirectory() as folder:
            assert not loads(Path(folder), text)
