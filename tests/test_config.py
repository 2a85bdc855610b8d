"""numalint.toml: read strictly, with a sentence for each slip."""

from __future__ import annotations

from pathlib import Path

import pytest

from numalint.engine.rule import Category, placement_rule
from numalint.engine.select import UnknownRule, select_rules
from numalint.loaders.config import Lint, find_config, load_config
from numalint.loaders.document import LoadError
from numalint.model.finding import Severity


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
    assert found.config.lint == Lint(["memory"], ["vcpupin-partial"], ["numatune-missing"], Severity.ERROR)


@pytest.mark.parametrize(
    ("text", "line", "sentence", "help"),
    [
        ('[hosts.a]\ntopolgy = "x"\n', 2, "there is no key 'topolgy' in [hosts.*]", "did you mean 'topology'?"),
        ('[hosts]\n[lint]\nfail_on = "note"\n', 3, "there is no key 'fail_on' in [lint]", "did you mean 'fail-on'?"),
        ("[host.a]\n", 1, "there is no key 'host'", "did you mean 'hosts'?"),
        ("zzz = 1\n", 1, "there is no key 'zzz'", "the keys are exclude, hosts, ignore, lint, rules"),
        ('[lint]\nfail-on = "fatal"\n', None, "invalid enum value 'fatal' at lint.fail-on", ""),
        ("exclude = 'x'\n", None, "expected `array`, got `str` at exclude", ""),
        ("[hosts.a]\n", None, "object missing required field `topology` at hosts.*", ""),
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
    assert [rule.id for rule in select_rules(RULES, lint)] == names


def test_an_unknown_rule_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownRule, match="there is no rule 'one-rul'; did you mean 'one-rule'\\?"):
        select_rules(RULES, Lint(ignore=["one-rul"]))
    with pytest.raises(UnknownRule, match="there is no rule 'xyz'; numalint rules lists them"):
        select_rules(RULES, Lint(select=["xyz"]))
