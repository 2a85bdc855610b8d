"""``numalint init``: what it proposes for a folder, and that each domain keeps its host when that is written."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from numalint.engine.discover import Excludes, discover
from numalint.engine.globs import globs_for
from numalint.engine.world import Sniffer, World
from numalint.loaders.config import Config, LoadedConfig
from numalint.loaders.config_file import load_config
from numalint.loaders.document import Document, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.host.formats import FORMATS

HOST = "format = 1\nsynthetic = 'pack:2 numa:1(memory=64GiB) core:{cores} pu:1'\n"
DOMAIN = "<domain type='kvm'><name>{name}</name><memory unit='GiB'>1</memory><vcpu>1</vcpu></domain>\n"
DEVICES = "<device><name>net_a</name><capability type='net'><interface>a</interface></capability></device>\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def numalint(numalint_inside):
    return numalint_inside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is the root of a repository, above which nothing is looked for."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def hosts_of(folder: Path, config: LoadedConfig) -> dict[str, list[str]]:
    """The names of the hosts of each domain file, as a run in the folder finds them."""
    sniffer = Sniffer(FORMATS)
    world = World(config, (), sniffer)
    excludes = Excludes(((config.folder, tuple(config.config.exclude)),))
    files = [path for path in discover([str(folder)], excludes, tracked=False).files if has_domains(sniffer, path)]
    return {path: [each.host.name for each in world.hosts_of(path)] for path in files}


def has_domains(sniffer: Sniffer, path: str) -> bool:
    kind, data = sniffer.read(path)
    try:
        return kind.domain and bool(load_domains(Document(path, data)))
    except LoadError:
        return False


def before_and_after(numalint, folder: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    before = hosts_of(folder, LoadedConfig(Config(), str(Path.cwd())))
    done = numalint("init", folder, "--write", cwd=Path.cwd())
    assert (done.code, done.out) == (0, ""), done.err
    return before, hosts_of(folder, load_config(folder / "numalint.toml"))


PROPOSED = """\
# Which hosts there are, and which domains are on them. numalint init made this of what it found here: read it, mend it,
# and keep it beside the domains. numalint explain numalint-toml says what each key does and which others there are.

# folders with a numalint.toml of their own; templates, which are no domains yet
exclude = ["/other/", "kvm01/new.xml"]
# These begin as domains do, but cannot be read. Mend them, or exclude them:
# exclude = ["kvm01/broken.xml"]

[hosts.kvm01]
topology = ["kvm01/kvm01.host.toml", "kvm01/nodedev.xml"]
domains = ["kvm01/**/*.xml"]

[hosts.kvm02]
topology = "hosts/kvm02.host.toml"
domains = ["kvm02/*.xml"]  # by the name of the folder

[hosts.one]
topology = "pool/one.host.toml"
domains = []  # no domain is near to it

[hosts.two]
topology = "pool/two.host.toml"
domains = []  # no domain is near to it

# No host is near to 2 domain files: only what needs none is judged.
# Add these globs to the hosts that they are on:
# domains = ["/*.xml", "lab/*.xml"]

# one and two are equally near to 1 domain file. Divide these globs among them:
# domains = ["pool/*.xml"]

# These describe only devices. Add each to the topology of its host:
# ["pool/devices.xml"]

# bad/bad.host.toml looks like a host, but cannot be read: name: expected a string in quotes, got a whole number
"""


def test_everything_that_may_be_found(folder: Path, numalint) -> None:
    for name in ("a", "kvm01/db1", "kvm01/deep/db2", "kvm02/web1", "lab/x", "pool/p1", "other/o1"):
        write(folder / f"{name}.xml", DOMAIN.format(name=Path(name).name))
    for name in ("kvm01/kvm01", "hosts/kvm02", "pool/one", "pool/two", "other/kvm09"):
        write(folder / f"{name}.host.toml", HOST.format(cores=4))
    write(folder / "kvm01" / "nodedev.xml", DEVICES)
    write(folder / "pool" / "devices.xml", DEVICES)
    write(folder / "kvm01" / "new.xml", "<domain type='kvm'>{% if x %}<name>{{ name }}</name></domain {% endif %}")
    write(folder / "kvm01" / "broken.xml", "<domain type='kvm'><name>x</name>")
    write(folder / "kvm01" / "net.xml", "<network><name>default</name></network>")
    write(folder / "bad" / "bad.host.toml", "format = 1\nname = 1\n")
    write(folder / "other" / "numalint.toml", "")
    shown = numalint("init", cwd=folder)
    assert shown.out == PROPOSED
    assert (shown.code, shown.err) == (
        0, "found 4 hosts and 6 domain files, 3 of them on no host yet; next: numalint init . --write\n"
    )  # fmt: skip
    assert not (folder / "numalint.toml").exists()
    written = numalint("init", "--write", cwd=folder)
    assert (written.code, written.out, written.err) == (
        0, "", "numalint.toml is written; found 4 hosts and 6 domain files, 3 of them on no host yet; "
        "next: numalint check .\n",
    )  # fmt: skip
    assert (folder / "numalint.toml").read_text() == PROPOSED
    load_config(folder / "numalint.toml")


def test_the_examples_get_the_hosts_that_they_have(examples: Path, tmp_path: Path, numalint) -> None:
    written = load_config(examples / "numalint.toml").config
    copy = tmp_path / "examples"
    shutil.copytree(examples, copy)
    (copy / "numalint.toml").unlink()
    (copy / ".git").mkdir()
    assert numalint("init", ".", "--write", cwd=copy).code == 0
    made = load_config(copy / "numalint.toml").config
    assert {name: (host.inputs, host.domains) for name, host in made.hosts.items()} == {
        name: (host.inputs, host.domains) for name, host in written.hosts.items()
    }
    (copy / ".git").rmdir()
    checked = numalint("check", ".", "--format", "concise", cwd=copy)
    assert checked.code == 1, checked.err
    assert checked.out == numalint("check", ".", "--format", "concise", cwd=examples).out


def test_a_folder_without_any_host_gets_one_to_fill_in(folder: Path, numalint) -> None:
    write(folder / "db1.xml", DOMAIN.format(name="db1"))
    shown = numalint("init", cwd=folder)
    assert shown.code == 0
    assert shown.out.endswith(
        "# No host is near to 1 domain file: only what needs none is judged.\n"
        "# Describe it, as numalint explain topology says, and take the signs away:\n"
        '# [hosts.kvm01]\n# topology = "kvm01.host.toml"\n# domains = ["*.xml"]\n'
    )
    filled = "\n".join(line.removeprefix("# ") for line in shown.out.rstrip().split("\n")[-3:])
    assert tomllib.loads(filled)["hosts"]["kvm01"]["domains"] == ["*.xml"]


def test_the_inputs_of_one_host_stay_together(folder: Path, numalint) -> None:
    """Two descriptions that name the same host are inputs of one; many files are named by their folder."""
    write(folder / "a" / "x.host.toml", f"name = 'kvm01'\n{HOST.format(cores=4)}")
    write(folder / "a" / "y.host.toml", f"name = 'kvm01'\n{HOST.format(cores=4)}")
    write(folder / "b" / "kvm02.host.toml", HOST.format(cores=4))
    for number in range(5):
        write(folder / "b" / f"net{number}.xml", DEVICES)
    write(folder / "c" / "kvm02.host.toml", HOST.format(cores=8))
    assert numalint("init", "--write", cwd=folder).code == 0
    made = load_config(folder / "numalint.toml").config.hosts
    assert {name: host.topology for name, host in made.items()} == {
        "kvm01": ["a/x.host.toml", "a/y.host.toml"],
        "b-kvm02": "b",
        "c-kvm02": "c/kvm02.host.toml",
    }
    assert numalint("show", "--host", "b-kvm02", cwd=folder).code in (0, 2)


def test_a_host_above_the_folder_is_reached(folder: Path, numalint) -> None:
    write(folder / "kvm01.host.toml", HOST.format(cores=4))
    write(folder / "domains" / "db1.xml", DOMAIN.format(name="db1"))
    assert (
        '[hosts.kvm01]\ntopology = "../kvm01.host.toml"\ndomains = ["*.xml"]\n'
        in numalint("init", "domains", cwd=folder).out
    )


def test_what_git_ignores_is_not_proposed(tmp_path: Path, numalint) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write(tmp_path / ".gitignore", "build/\n")
    write(tmp_path / "build" / "old.host.toml", HOST.format(cores=4))
    write(tmp_path / "db1.xml", DOMAIN.format(name="db1"))
    shown = numalint("init", cwd=tmp_path)
    assert shown.err.startswith("found 0 hosts and 1 domain file")
    assert "old" not in shown.out


@pytest.mark.parametrize(
    ("files", "arguments", "sentence"),
    [
        ({}, (), "there is nothing to propose: . has neither a domain nor a file that describes a host"),
        ({"a.xml": "<network/>"}, (), "there is nothing to propose: . has neither a domain nor a file"),
        ({}, ("nowhere",), "nowhere: there is no such folder"),
        ({"numalint.toml": ""}, ("--write",), "numalint.toml configures . already: numalint init . prints what may be"),
        ({"pyproject.toml": "[tool.numalint]\n"}, ("--write",), "pyproject.toml configures . already"),
        ({"numalint.toml": "", "a/b.xml": "<domain/>"}, ("a", "--write"), "numalint.toml configures a already"),
        (
            {"numalint.toml": "", "pyproject.toml": "[tool.numalint]\n"},
            ("--write",),
            "pyproject.toml beside it configures numalint too",
        ),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, numalint, files, arguments, sentence: str) -> None:
    for name, text in files.items():
        write(folder / name, text)
    refused = numalint("init", *arguments, cwd=folder)
    assert (refused.code, refused.out) == (2, "")
    assert sentence in refused.err
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(files)


NAMES = ("a", "b", "kvm01", "x[1]", "q?", "s p", "d.e", "*", "é", "!n", "]k", "~")


def test_each_domain_keeps_its_host_in_any_tree(tmp_path: Path, numalint, monkeypatch) -> None:
    chance = random.Random(20_260_101)  # noqa: S311  # the same trees each time
    for number in range(25):
        top = tmp_path / f"t{number}"
        (top / ".git").mkdir(parents=True)
        monkeypatch.chdir(top)
        folders = [Path(*(chance.choice(NAMES) for _ in range(chance.randrange(4)))) for _ in range(6)]
        for at, each in enumerate(folders):
            if chance.random() < 0.4:
                write(top / each / f"h{at}.host.toml", HOST.format(cores=at + 1))
            for _ in range(chance.randrange(4)):
                name = chance.choice(NAMES)
                write(top / each / f"{name}.{chance.choice(['xml', 'xml', 'XML'])}", DOMAIN.format(name="d"))
        write(top / "d.xml", DOMAIN.format(name="d"))
        before, after = before_and_after(numalint, Path())
        assert list(after) == list(before)
        assert {path: names for path, names in after.items() if before[path]} == {
            path: names for path, names in before.items() if names
        }
        unsure = [path for path, names in before.items() if not names and after[path]]
        assert all(after[path][0] in Path(path).parts for path in unsure), "told by the name of the folder alone"
        checked = numalint("check", ".", cwd=top)
        assert "no domain file meets" not in checked.err


def test_each_domain_of_the_corpus_keeps_its_host(corpus: Path, tmp_path: Path, numalint, monkeypatch) -> None:
    """The real domains, with a real host beside each few folders of them."""
    top = tmp_path / "corpus"
    shutil.copytree(corpus / "domains", top, symlinks=True)
    (top / ".git").mkdir()
    monkeypatch.chdir(top)
    hosts = sorted((corpus / "hosts" / "capabilities").glob("*.xml"))
    folders = sorted(Path(where) for where, _, names in os.walk(".") if any(name.endswith(".xml") for name in names))
    for number, each in enumerate(folders[::3]):
        shutil.copy(hosts[number % len(hosts)], each / f"h{number}.xml")
    before, after = before_and_after(numalint, Path())
    assert len(after) > 100
    kept = {path: names for path, names in before.items() if path in after}
    assert {path: len(names) for path, names in after.items()} == {path: len(names) for path, names in kept.items()}


def test_globs_are_few_and_exact() -> None:
    assert globs_for({"a.xml": 1, "b/c.xml": 1}, 1) == ["*.xml"]
    assert globs_for({"a.xml": 1, "b.xml": 1}, 1) == ["*.xml"]
    assert globs_for({"a.xml": 1, "b/c.xml": 2}, 1) == ["/*.xml"]
    assert globs_for({"k/a.xml": 1, "l/c.xml": 2}, 1) == ["k/*.xml"]
    assert globs_for({"k/a.xml": 1, "k/m/b.xml": 1, "l/c.xml": 2}, 1) == ["k/**/*.xml"]
    assert globs_for({"k/a.xml": 1, "k/m/b.xml": 2, "k/n/b.xml": 1}, 1) == ["k/*.xml", "k/n/*.xml"]
    assert globs_for({"k/a.xml": 1, "k/b.xml": 2, "k/c.XML": 1}, 1) == ["k/a.xml", "k/c.XML"]
    assert globs_for({"a[1].xml": 1, "b.xml": 2}, 1) == ["/a[[]1].xml"]
    assert globs_for({"a.xml": 2}, 1) == []
