"""numalint.toml: read strictly, with a sentence for each slip; several files, and what each part of it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from numalint.engine.glob import matches
from numalint.engine.policy import Policies
from numalint.engine.rule import Category, placement_rule
from numalint.engine.select import UnknownRule
from numalint.loaders.config import Config, Lint, LoadedConfig
from numalint.loaders.config_file import load_config
from numalint.loaders.config_search import find_config
from numalint.loaders.document import LoadError
from numalint.model.finding import Severity


@pytest.fixture
def numalint(numalint_inside):
    return numalint_inside


def config(folder: Path, text: str) -> Path:
    path = folder / "numalint.toml"
    path.write_text(text)
    return path


def test_a_whole_configuration(tmp_path: Path) -> None:
    path = config(
        tmp_path,
        'exclude = ["templates/"]\n'
        '[hosts.kvm01]\ntopology = ["caps.xml", "nodedev.xml"]\ndomains = ["kvm01/*.xml"]\n'
        '[hosts.kvm02]\ntopology = "kvm02.host.toml"\n'
        '[lint]\nselect = ["memory"]\nextend-select = ["vcpupin-partial"]\nignore = ["numatune-missing"]\nfail-on = "error"\n',
    )
    found = load_config(path)
    assert found.folder == str(tmp_path)
    assert {name: host.inputs for name, host in found.config.hosts.items()} == {
        "kvm01": ["caps.xml", "nodedev.xml"],
        "kvm02": ["kvm02.host.toml"],
    }
    assert found.config.exclude == ["templates/"]
    assert found.config.lint == Lint(
        select=["memory"], extend_select=["vcpupin-partial"], ignore=["numatune-missing"], fail_on=Severity.ERROR
    )


HOST = "[hosts.a]\ntopology = 'pack:1 core:4 pu:1'\ndomains = ['*.xml']\n"


@pytest.mark.parametrize(
    ("text", "line", "sentence", "help"),
    [
        ('[hosts.a]\ntopolgy = "x"\n', 2, "there is no key 'topolgy' in [hosts.a]", "did you mean 'topology'?"),
        ('[hosts]\n[lint]\nfail_on = "note"\n', 3, "there is no key 'fail_on' in [lint]", "did you mean 'fail-on'?"),
        ("[host.a]\n", 1, "there is no key 'host'", "did you mean 'hosts'?"),
        (
            "zzz = 1\n",
            1,
            "there is no key 'zzz'",
            "the keys are baseline, classes, exclude, extend, hosts, ignore, lint, overrides, placement, rules",
        ),
        ('[lint]\nfail-on = "fatal"\n', 2, "lint.fail-on: 'fatal' is none of 'note', 'warning', 'error'", ""),
        ("exclude = 'x'\n", 1, "exclude: expected a list, got a string in quotes", ""),
        (
            "[hosts.a]\ndomains = ['*.xml']\n",
            1,
            "hosts.a: neither it nor its class has a topology",
            "say which file describes it, or a string such as 'pack:2 numa:1 core:8 pu:2'",
        ),
        (
            f"{HOST}class = 'fats'\n[classes.fast]\n",
            4,
            "hosts.a.class: there is no class 'fats'",
            "did you mean 'fast'?",
        ),
        (f"{HOST}class = 'fast'\n", 4, "hosts.a.class: there is no class 'fast'", "write [classes.fast]"),
        (
            f"{HOST}housekeeping-cpus = '0-'\n",
            4,
            "hosts.a.housekeeping-cpus: '0-' is not a set such as '0-1,16': '-' is not a number, a range N-M or an exclusion ^N",
            "",
        ),
        (
            f"{HOST}reserved-memory = '4 GB'\n",
            4,
            "hosts.a.reserved-memory: '4 GB': write GiB, for tools differ on what GB is",
            "",
        ),
        (
            f"{HOST}reserved-memory = {{ one = '4 GiB' }}\n",
            4,
            "hosts.a.reserved-memory: 'one' is no number of a node",
            "",
        ),
        (f"{HOST}overcommit = 0\n", 4, "hosts.a.overcommit: it has to be above 0", ""),
        (
            f"{HOST}[[placement]]\ndomains = ['*.xml']\nhosts = ['b']\n",
            4,
            "[[placement]] 1: there is no host 'b'",
            "write [hosts.b]",
        ),
        (
            f"{HOST}[[placement]]\ndomains = ['*.xml']\n",
            4,
            "[[placement]] 1: it names no host",
            "list them in hosts, or name the class of several",
        ),
        (
            "[[overrides]]\nignore = ['memory']\n",
            1,
            "[[overrides]] 1: it does not say what it is about",
            "write path, domain, host or class; what is meant for all belongs into [lint]",
        ),
        (
            "[[overrides]]\npath = 'lab/'\n",
            1,
            "[[overrides]] 1: it changes nothing",
            "write extend-select, ignore or severity",
        ),
        (
            f"{HOST}[[overrides]]\nhost = 'kvm*'\nignore = ['memory']\n",
            4,
            "[[overrides]] 1: there is no host 'kvm*'",
            "write [hosts.kvm*]",
        ),
        (
            f"{HOST}[[ignore]]\nhost = 'aa'\nrules = ['x']\nreason = 'y'\n",
            4,
            "[[ignore]] 1: there is no host 'aa'",
            "did you mean 'a'?",
        ),
        ("[hosts\n", 1, "it is not TOML: Expected ']' at the end of a table declaration", ""),
    ],
)
def test_a_slip_is_named(tmp_path: Path, text: str, line: int | None, sentence: str, help: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_config(config(tmp_path, text))
    assert (caught.value.message, caught.value.line, caught.value.help) == (sentence, line, help)


def test_the_nearest_configuration_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    above = config(tmp_path, "")
    deep = tmp_path / "repository" / "a" / "b"
    deep.mkdir(parents=True)
    assert find_config(deep) == above
    (tmp_path / "repository" / ".git").mkdir()
    assert find_config(deep) is None
    assert find_config(tmp_path) == above


def check(_placement):
    yield from ()


ONE = placement_rule("one-rule", Severity.WARNING, Category.MEMORY)(check)
TWO = placement_rule("two-rule", Severity.NOTE, Category.THREADS, enabled=False)(check)
RULES = {rule.id: rule for rule in (ONE, TWO)}


def rules_of(options: Lint, written: Lint = Lint()) -> list[str]:  # noqa: B008  # it is frozen
    policies = Policies(RULES, LoadedConfig(Config(lint=written), ""), options)
    return [rule.id for rule in policies.of("db1.xml", "db1", None).rules]


@pytest.mark.parametrize(
    ("lint", "names"),
    [
        (Lint(), ["one-rule"]),
        (Lint(select=["all"]), ["one-rule", "two-rule"]),
        (Lint(select=["threads"]), ["two-rule"]),
        (Lint(extend_select=["two-rule"]), ["one-rule", "two-rule"]),
        (Lint(select=["all"], ignore=["memory"]), ["two-rule"]),
    ],
)
def test_rules_are_selected_by_name_category_or_all(lint: Lint, names: list[str]) -> None:
    assert rules_of(lint) == names
    assert rules_of(Lint(), lint) == names


@pytest.mark.parametrize(
    ("options", "written", "names"),
    [
        (Lint(select=["two-rule"]), Lint(select=["one-rule"]), ["two-rule"]),
        (Lint(select=["all"]), Lint(ignore=["one-rule"]), ["two-rule"]),
        (Lint(extend_select=["one-rule"]), Lint(ignore=["one-rule"]), ["one-rule"]),
        (Lint(ignore=["one-rule"]), Lint(extend_select=["two-rule"]), ["two-rule"]),
    ],
)
def test_the_command_line_has_the_last_word(options: Lint, written: Lint, names: list[str]) -> None:
    assert rules_of(options, written) == names


def test_an_unknown_rule_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownRule, match="there is no rule 'one-rul'; did you mean 'one-rule'\\?"):
        rules_of(Lint(ignore=["one-rul"]))
    with pytest.raises(UnknownRule, match="there is no rule 'xyz'; numalint rules lists them"):
        rules_of(Lint(select=["xyz"]))
    with pytest.raises(LoadError) as caught:
        rules_of(Lint(), Lint(severity={"one-rul": Severity.NOTE}))
    assert (caught.value.message, caught.value.help) == (
        "lint.severity: there is no rule 'one-rul'", "did you mean 'one-rule'?"
    )  # fmt: skip


def test_a_pyproject_has_it_in_a_table_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.ruff]\nline-length = 100\n")
    assert find_config(tmp_path) is None
    path.write_text("[project]\n[tool.numalint]\nexclude = ['old/']\n[tool.numalint.lint]\nfail-on = 'note'\n")
    assert find_config(tmp_path) == path
    found = load_config(path)
    assert (found.config.exclude, found.config.lint.fail_on) == (["old/"], Severity.NOTE)

    path.write_text("[tool.numalint.lint]\nselct = []\n[[tool.numalint.ignore]]\n")
    with pytest.raises(LoadError) as caught:
        load_config(path)
    assert (caught.value.message, caught.value.line) == ("there is no key 'selct' in [lint]", 2)
    path.write_text("[[tool.numalint.ignore]]\nrules = ['x']\n")
    with pytest.raises(LoadError) as caught:
        load_config(path)
    assert caught.value.message == "[[ignore]] 1: the key 'reason' is missing"
    assert caught.value.line == 1

    path.write_text("[project]\n")
    with pytest.raises(LoadError, match=r"it has no table \[tool.numalint\]"):
        load_config(path)


def test_two_configurations_in_one_folder_are_refused(tmp_path: Path) -> None:
    config(tmp_path, "")
    (tmp_path / "pyproject.toml").write_text("[tool.numalint]\n")
    with pytest.raises(LoadError, match=r"pyproject\.toml beside it configures numalint too"):
        find_config(tmp_path)


def test_a_configuration_is_laid_over_the_one_that_it_extends(tmp_path: Path) -> None:
    base = tmp_path / "site"
    base.mkdir()
    (base / "base.toml").write_text(
        "exclude = ['old/', '*.bak.xml']\nrules = ['own/rules.py']\n"
        "[hosts.kvm01]\ntopology = ['caps.xml', 'pack:2 core:4 pu:1']\ndomains = ['kvm01/*.xml']\novercommit = 4\n"
        "[lint]\nfail-on = 'note'\nignore = ['memory']\n"
        "[[ignore]]\nrules = ['a-rule']\nreason = 'x'\npath = 'kvm01/'\n"
    )
    team = tmp_path / "team"
    team.mkdir()
    path = config(
        team,
        "extend = '../site/base.toml'\n[hosts.kvm01]\novercommit = 2\n[lint]\nignore = []\n"
        "[[ignore]]\nrules = ['b-rule']\nreason = 'y'\n",
    )
    loaded = load_config(path)
    found = loaded.config
    kvm01 = found.hosts["kvm01"]
    assert kvm01.topology == ["../site/caps.xml", "pack:2 core:4 pu:1"]
    assert (kvm01.domains, kvm01.overcommit) == (["../site/kvm01/*.xml"], 2)
    assert found.exclude == ["../site/**/old/", "../site/**/*.bak.xml"]
    assert found.rules == ["../site/own/rules.py"]
    assert (found.lint.fail_on, found.lint.ignore) == (Severity.NOTE, [])
    assert [(each.rules, each.path) for each in found.ignore] == [(["a-rule"], "../site/**/kvm01/"), (["b-rule"], None)]
    origins = {keys: (Path(place.document).name, place.locator) for keys, place in loaded.places.items()}
    assert origins["hosts", "kvm01", "overcommit"] == ("numalint.toml", "hosts.kvm01")
    assert origins["hosts", "kvm01", "topology"] == ("base.toml", "hosts.kvm01")
    assert origins["ignore", 1] == ("base.toml", "[[ignore]] 1")
    assert origins["ignore", 2] == ("numalint.toml", "[[ignore]] 1")
    assert loaded.folders == (str(team), str(base))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("extend = 'numalint.toml'\n", "extend: numalint.toml extends this file itself"),
        ("extend = 'other.toml'\n", "extend: other.toml cannot be read: No such file or directory"),
        ("extend = ['slip.toml']\n", "there is no key 'exlude'"),
    ],
)
def test_what_is_wrong_with_an_extended_file_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "slip.toml").write_text("exlude = []\n")
    with pytest.raises(LoadError) as caught:
        load_config(config(tmp_path, text))
    assert caught.value.message == sentence


@pytest.mark.parametrize("name", ["a[1]b", "x]y", "*", "a?"])
def test_the_signs_of_globs_in_the_name_of_a_folder_stand_for_themselves(tmp_path: Path, name: str) -> None:
    base = tmp_path / name
    base.mkdir()
    (base / "base.toml").write_text("exclude = ['old/', 'a/*.xml']\n")
    found = load_config(config(tmp_path, f"extend = '{name}/base.toml'\n")).config.exclude
    assert [matches(f"{name}/b/old/x.xml", found[:1]), matches(f"{name}/a/x.xml", found[1:])] == [True, True]
    assert not matches("z/a/x.xml", found)


PINNED = """\
<domain>
  <name>{name}</name>
  <memory unit='GiB'>2</memory>
  <vcpu>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='{first}'/>
    <vcpupin vcpu='1' cpuset='{second}'/>
  </cputune>
</domain>
"""
TWO_NODES = "pack:2 numa:1(memory=16GiB) core:4 pu:1"


def checked(numalint, folder: Path, *args: str) -> dict:
    done = numalint("check", ".", "--format", "json", *args, cwd=folder)
    assert done.code in (0, 1), done.err
    return json.loads(done.out)


def found(report: dict) -> list[tuple[str, str, str, str]]:
    return [(each["domain"], each["rule"], each["severity"], each["host"]) for each in report["results"]]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "db1.xml").write_text(PINNED.format(name="db1", first=0, second=1))
    (tmp_path / "b" / "db2.xml").write_text(PINNED.format(name="db2", first=0, second=1))
    return tmp_path


HOSTS = f"""\
[hosts.kvm01]
topology = "{TWO_NODES}"
domains = ["a/"]
class = "fast"
[hosts.kvm02]
topology = "{TWO_NODES}"
domains = ["b/"]
[classes.fast]
"""


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", {"db1": "warning", "db2": "warning"}),
        ("[lint.severity]\nnumatune-missing = 'error'\n", {"db1": "error", "db2": "error"}),
        ("[lint.severity]\nmemory = 'note'\nnumatune-missing = 'error'\n", {"db1": "error", "db2": "error"}),
        ("[[overrides]]\npath = 'a/'\nignore = ['numatune-missing']\n", {"db2": "warning"}),
        ("[[overrides]]\ndomain = '*2'\nseverity = { memory = 'note' }\n", {"db1": "warning", "db2": "note"}),
        ("[[overrides]]\nhost = 'kvm01'\nseverity = { numatune-missing = 'error' }\n", {"db1": "error", "db2": "warning"}),
        ("[[overrides]]\nclass = 'f*'\nignore = ['memory']\n", {"db2": "warning"}),
        ("[[overrides]]\npath = 'a/'\ndomain = 'db1'\nignore = ['memory']\n"
         "[[overrides]]\nhost = '*'\nextend-select = ['numatune-missing']\n", {"db1": "warning", "db2": "warning"}),
    ],
)  # fmt: skip
def test_severities_and_overrides(numalint, fleet: Path, text: str, rules: dict[str, str]) -> None:
    (fleet / "numalint.toml").write_text(HOSTS + text)
    report = checked(numalint, fleet)
    assert {domain: severity for domain, rule, severity, _ in found(report) if rule == "numatune-missing"} == rules


def test_a_conflict_is_left_out_where_overrides_leave_it_out_for_all_its_parties(numalint, fleet: Path) -> None:
    hosts = HOSTS.replace('domains = ["a/"]', 'domains = ["*.xml"]').replace('domains = ["b/"]\n', "")
    leave_out = "[[overrides]]\npath = '{}'\nignore = ['pcpu-double-booked']\n"
    for text, expected in [("", 1), (leave_out.format("a/"), 1), (leave_out.format("a/") + leave_out.format("b/"), 0)]:
        (fleet / "numalint.toml").write_text(hosts + text)
        rules = [rule for _, rule, _, _ in found(checked(numalint, fleet))]
        assert rules.count("pcpu-double-booked") == expected

    (fleet / "numalint.toml").write_text(hosts + leave_out.format("a/").replace("ignore", "extend-select"))
    done = numalint("check", ".", cwd=fleet)
    assert (done.code, done.out) == (2, "")
    assert "[[overrides]] 1: pcpu-double-booked is about all domains of a host together" in done.err


def test_a_live_migration_set_is_judged_on_each_of_its_hosts(numalint, fleet: Path) -> None:
    """db1 fits both; db3 has a CPU that only the larger host has, and what is wrong on both is said once."""
    (fleet / "a" / "db3.xml").write_text(PINNED.format(name="db3", first=8, second=9))
    text = HOSTS.replace(TWO_NODES, "pack:2 numa:1(memory=16GiB) core:8 pu:1", 1)
    (fleet / "numalint.toml").write_text(text)
    alone = checked(numalint, fleet)
    assert not [rule for _, rule, _, _ in found(alone) if rule == "cpu-nonexistent"]

    (fleet / "numalint.toml").write_text(text + "[[placement]]\ndomains = ['a/']\nhosts = ['kvm01', 'kvm02']\n")
    report = checked(numalint, fleet)
    by_rule = {(each["domain"], each["rule"]): each for each in report["results"]}
    assert len(by_rule) == len(report["results"])
    nonexistent = by_rule["db3", "cpu-nonexistent"]
    assert (nonexistent["host"], nonexistent["also_on"]) == ("kvm02", [])
    missing = by_rule["db1", "numatune-missing"]
    assert (missing["host"], missing["also_on"]) == ("kvm01", ["kvm02"])
    assert missing["message"].endswith(" (also on kvm02)")
    assert report["coverage"]["domains"] == 3
    assert "pcpu-double-booked" not in [rule for _, rule in by_rule], "db1 is at home on kvm01, and db2 on kvm02"


def test_a_set_gives_its_findings_the_same_fingerprint_whatever_its_hosts(numalint, fleet: Path) -> None:
    prints = []
    for hosts in ("['kvm01', 'kvm02']", "['kvm02', 'kvm03', 'kvm01']"):
        third = f"[hosts.kvm03]\ntopology = '{TWO_NODES}'\n"
        text = f"{HOSTS}{third}[[placement]]\ndomains = ['a/']\nhosts = {hosts}\n"
        (fleet / "numalint.toml").write_text(text)
        results = checked(numalint, fleet)["results"]
        prints.append([each["fingerprint"] for each in results if each["domain"] == "db1"])
    assert prints[0] == prints[1] != []


def test_two_hosts_may_claim_a_domain_of_a_set_and_no_other(numalint, fleet: Path) -> None:
    both = HOSTS.replace('domains = ["b/"]', 'domains = ["a/", "b/"]')
    (fleet / "numalint.toml").write_text(both)
    done = numalint("check", ".", cwd=fleet)
    assert done.code == 2
    assert "a/db1.xml: [hosts.kvm01] and [hosts.kvm02] both claim this domain" in done.err
    (fleet / "numalint.toml").write_text(both + "[[placement]]\ndomains = ['a/']\nhosts = ['kvm01', 'kvm02']\n")
    report = checked(numalint, fleet)
    assert ("pcpu-double-booked", "kvm02") in [(rule, host) for _, rule, _, host in found(report)]


def test_a_class_says_what_its_hosts_do_not(numalint, fleet: Path) -> None:
    """CPU 0 is kept for the host by the class; kvm02 says for itself that none is."""
    text = HOSTS.replace(
        "[classes.fast]", "class = 'fast'\nhousekeeping-cpus = ''\n[classes.fast]\nhousekeeping-cpus = '0,4'"
    )
    (fleet / "numalint.toml").write_text(text)
    used = [(domain, host) for domain, rule, _, host in found(checked(numalint, fleet)) if rule == "housekeeping-used"]
    assert used == [("db1", "kvm01")]


def test_memory_that_is_kept_for_the_host_is_not_there_for_guests(numalint, fleet: Path) -> None:
    numa = "<numatune><memory mode='strict' nodeset='0'/></numatune>"
    for name in ("a/db1", "b/db2"):
        file = fleet / f"{name}.xml"
        file.write_text(file.read_text().replace("<cputune>", f"{numa}<cputune>"))
    for said, expected in [("'15 GiB'", ["db1"]), ("{ 0 = '15 GiB' }", ["db1"]), ("{ 1 = '15 GiB' }", [])]:
        (fleet / "numalint.toml").write_text(
            HOSTS.replace('domains = ["a/"]', f"domains = ['a/']\nreserved-memory = {said}")
        )
        assert [
            domain for domain, rule, _, _ in found(checked(numalint, fleet)) if rule == "memory-exceeds-node"
        ] == expected


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("housekeeping-cpus = '7-8'", "numalint.toml:4: hosts.kvm01.housekeeping-cpus: kvm01 has no CPU 8"),
        ("reserved-memory = { 2 = '1 GiB' }", "numalint.toml:4: hosts.kvm01.reserved-memory: kvm01 has no node 2"),
        ("reserved-memory = '17 GiB'", "hosts.kvm01.reserved-memory: it is more than the memory of node 0 of kvm01"),
    ],
)
def test_what_is_declared_has_to_be_there(numalint, fleet: Path, key: str, sentence: str) -> None:
    (fleet / "numalint.toml").write_text(HOSTS.replace('class = "fast"', f'{key}\nclass = "fast"', 1))
    done = numalint("check", ".", cwd=fleet)
    assert done.code == 2
    assert sentence in done.err


def test_a_glob_that_no_file_meets_is_a_problem_whatever_the_focus(numalint, fleet: Path) -> None:
    (fleet / "numalint.toml").write_text(HOSTS.replace('"b/"', '"b/", "c/*.xml"'))
    for focus in (".", "a/db1.xml"):
        done = numalint("check", focus, cwd=fleet)
        assert done.code == 2
        assert "numalint.toml:7: hosts.kvm02.domains: no domain file meets 'c/*.xml'" in done.err


def test_an_override_that_is_about_nothing_is_a_problem_of_a_whole_run(numalint, fleet: Path) -> None:
    (fleet / "numalint.toml").write_text(HOSTS + "[[overrides]]\ndomain = 'dbx'\nignore = ['memory']\n")
    done = numalint("check", ".", cwd=fleet)
    assert done.code == 2
    assert "numalint.toml:9: [[overrides]] 1: it is about no domain that there is" in done.err
    assert numalint("check", "a/db1.xml", cwd=fleet).code == 1
