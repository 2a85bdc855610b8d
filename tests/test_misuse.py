"""What a tired operator types or writes wrongly: each ends in a sentence and exit code 2, none in a green run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

GOOD = "<domain type='kvm'><name>db1</name><memory unit='GiB'>1</memory><vcpu>1</vcpu></domain>"
SMALL = "pack:2 numa:1(memory=16GiB) core:4 pu:1"
HOST = f"[hosts.kvm01]\ntopology = '{SMALL}'\ndomains = ['*.xml']\n"
RULE = '''"""A rule.

Bad:

    <domain/>

Good:

    <domain/>
"""

from numalint import Category, Severity, domain_rule


@domain_rule("{id}", Severity.NOTE, Category.MEMORY)
def check(domain):
    {body}
'''


class Misuse(NamedTuple):
    """The command line, the files beside a good db1.xml (None: that is not there), and what is said of it."""

    command: str
    files: dict[str, str | None]
    sentence: str


def config(text: str) -> dict[str, str | None]:
    return {"numalint.toml": text}


def check(text: str, sentence: str) -> Misuse:
    """A configuration with a slip."""
    return Misuse("check .", config(text), sentence)


MISUSES = {
    # --- options -----------------------------------------------------------------------------------------------------
    "a rule of --select": Misuse("check . --select numatune-mising", {}, "there is no rule 'numatune-mising'; did you mean 'numatune-missing'?"),
    "a rule of --extend-select": Misuse("check . --extend-select memry", {}, "there is no rule 'memry'; did you mean 'memory'?"),
    "a rule of --ignore": Misuse("check . --ignore zzz", {}, "there is no rule 'zzz'; numalint rules lists them"),
    "a fact of --require": Misuse("check . --require l4", {}, "--require: there is no fact 'l4'; the facts are nodes, "),
    "a format": Misuse("check . --format jsn", {}, "there is no format 'jsn'; the formats are concise, "),
    "a format of --report": Misuse("check . --report sarrif=x", {}, "there is no format 'sarrif'; the formats are concise, "),
    "--report without a file": Misuse("check . --report sarif", {}, "--report sarif: write FORMAT=FILE, such as sarif=numalint.sarif"),
    "a report in no folder": Misuse("check . --report json=no/x", {}, "the report cannot be written to no/x: No such file or directory"),
    "a severity": Misuse("check . --fail-on eror", {}, "Invalid value for '--fail-on': 'eror' is not one of 'note', 'warning', 'error'."),
    "a release": Misuse("check . --target-libvirt nine", {}, "--target-libvirt: 'nine' is not a release of libvirt such as "),
    "a number of processes": Misuse("check . -j two", {}, "Invalid value for '-j' / '--jobs': 'two' is not a valid integer range."),
    "an option": Misuse("check . --hots x", {}, "'--hots'"),
    "a command": Misuse("chekc .", {}, "There is no command 'chekc'. Did you mean 'check'?"),
    "a command of baseline": Misuse("baseline prun", {}, "No such command 'prun'"),
    "a revision outside git": Misuse("check . --since HEAD", {}, "--since needs a git repository, and this is in none"),
    "a baseline that is not there": Misuse("check . --baseline old.json", {}, "old.json: there is no such baseline"),
    "a configuration that is not there": Misuse("check . --config no.toml", {}, "no.toml: the configuration cannot be read: No such file or directory"),
    "a folder as configuration": Misuse("check . --config .", {}, ".: the configuration cannot be read: Is a directory"),
    "ignores without a reason": Misuse("check . --add-ignores", {}, "--add-ignores needs --reason: say why the findings are accepted"),
    "a reason without ignores": Misuse("check . --reason x", {}, "--reason belongs to --add-ignores, which is not given"),
    "a rule to explain": Misuse("explain numatune-misssing", {}, "there is no rule 'numatune-misssing'; did you mean 'numatune-missing'?"),
    # --- paths -------------------------------------------------------------------------------------------------------
    "a path": Misuse("check db2.xml", {}, "db2.xml: there is no such file or folder"),
    "a world with no domain": Misuse("check .", {"db1.xml": None}, "no libvirt domain was found in ."),
    "a world that is all excluded": Misuse("check . --exclude *.xml", {}, "no libvirt domain was found in . (1 excluded)"),
    "a file of another kind": Misuse("check net.xml", {"net.xml": "<network/>"}, "net.xml: it is no libvirt domain and no host file that numalint knows: its first element is <network>"),
    "an empty file": Misuse("check empty.xml", {"empty.xml": ""}, "empty.xml: it is no libvirt domain and no host file that numalint knows: it does not start with an XML element"),
    "--tracked outside git": Misuse("check . --tracked", {}, "--tracked needs a git repository, and this is in none"),
    "nothing on standard input": Misuse("check -", {}, "it does not start with an XML element"),
    # --- hosts -------------------------------------------------------------------------------------------------------
    "a host file": Misuse("check . --host caps.xml", {}, "caps.xml: it cannot be read: No such file or directory"),
    "a name of a host": Misuse("check . --host kvm1", config(HOST), "kvm1: there is no such file, and the configuration has no host of that name\n  = help: did you mean 'kvm01'?"),
    "a domain as host": Misuse("check . --host db1.xml", {}, "db1.xml: it is not a host description that numalint knows: its first element is <domain>"),
    "an empty host": Misuse("check . --host empty.toml", {"empty.toml": ""}, "empty.toml: "),
    "a host that declares nothing": Misuse("check . --host a.toml", {"a.toml": "format = 1\n"}, "a.toml:1: it declares nothing"),
    "capabilities without a topology": Misuse("check . --host caps.xml", {"caps.xml": "<capabilities><host/></capabilities>"}, "caps.xml"),
    "a synthetic string": Misuse("check . --host pack:2_numa:one", {}, "pack:2_numa:one"),
    "two hosts equally near": Misuse("check .", {"a.host.toml": f"format = 1\nsynthetic = '{SMALL}'\n", "b.host.toml": f"format = 1\nsynthetic = '{SMALL}'\n"}, "two hosts are equally near: a.host.toml and b.host.toml"),
    "a topology that is not there": check("[hosts.a]\ntopology = 'caps.xml'\ndomains = ['*.xml']\n", "caps.xml: it cannot be read: No such file or directory"),
    "an empty topology": check("[hosts.a]\ntopology = []\ndomains = ['*.xml']\n", "numalint.toml:1: hosts.a: neither it nor its class has a topology"),
    "a topology of no text": check("[hosts.a]\ntopology = ''\n", "hosts.*.topology"),
    # --- numalint.toml -----------------------------------------------------------------------------------------------
    "no TOML": check("[hosts\n", "numalint.toml:1:7: it is not TOML: Expected ']' at the end of a table declaration"),
    "a table": check("[host.a]\n", "numalint.toml:1: there is no key 'host'\n  = help: did you mean 'hosts'?"),
    "a key": check(f"{HOST}domain = []\n", "numalint.toml:4: there is no key 'domain' in [hosts.*]\n  = help: did you mean 'domains'?"),
    "a key of [lint]": check("[lint]\nfail_on = 'note'\n", "numalint.toml:2: there is no key 'fail_on' in [lint]\n  = help: did you mean 'fail-on'?"),
    "a type": check("exclude = 'x'\n", "numalint.toml: expected `array`, got `str` at exclude"),
    "a glob of a host": check(HOST.replace("*.xml", "vm/*.xml"), "numalint.toml:3: hosts.kvm01.domains: no file meets 'vm/*.xml'"),
    "a glob of a set": check(f"{HOST}[[placement]]\ndomains = ['vm/']\nhosts = ['kvm01']\n", "numalint.toml:4: [[placement]] 1: no file meets 'vm/'"),
    "a host of a set": check(f"{HOST}[[placement]]\ndomains = ['*.xml']\nhosts = ['kvm1']\n", "numalint.toml:4: [[placement]] 1: there is no host 'kvm1'\n  = help: did you mean 'kvm01'?"),
    "a class": check(f"{HOST}class = 'fats'\n[classes.fast]\n", "numalint.toml:4: hosts.kvm01.class: there is no class 'fats'\n  = help: did you mean 'fast'?"),
    "a class of an override": check(f"{HOST}[[overrides]]\nclass = 'fast'\nignore = ['memory']\n", "numalint.toml:4: [[overrides]] 1: there is no class 'fast'\n  = help: write [classes.fast]"),
    "a host of an override": check(f"{HOST}[[overrides]]\nhost = 'kvm1'\nignore = ['memory']\n", "numalint.toml:4: [[overrides]] 1: there is no host 'kvm1'"),
    "a rule of an override": check(f"{HOST}[[overrides]]\nhost = 'kvm01'\nignore = ['memry']\n", "numalint.toml:4: [[overrides]] 1: there is no rule 'memry'\n  = help: did you mean 'memory'?"),
    "an override about nothing": check(f"{HOST}[[overrides]]\ndomain = 'db2'\nignore = ['memory']\n", "numalint.toml:4: [[overrides]] 1: it is about no domain that there is"),
    "a rule of select": check("[lint]\nselect = ['memry']\n", "numalint.toml:2: lint.select: there is no rule 'memry'"),
    "a rule of severity": check("[lint.severity]\nmemry = 'note'\n", "numalint.toml:1: lint.severity: there is no rule 'memry'"),
    "a severity of a rule": check("[lint.severity]\nmemory = 'off'\n", "numalint.toml: invalid enum value 'off' at lint.severity.*"),
    "a rule of unsuppressible": check("[lint]\nunsuppressible = ['x']\n", "numalint.toml:2: lint.unsuppressible: there is no rule 'x'"),
    "a release of [lint]": check("[lint]\ntarget-libvirt = '9'\n", "numalint.toml:2: lint.target-libvirt: '9' is not a release of libvirt such as "),
    "a rule of an ignore": check("[[ignore]]\nrules = ['numatune-misssing']\nreason = 'x'\n", "numalint.toml:1: [[ignore]] 1: there is no rule 'numatune-misssing'\n  = help: did you mean 'numatune-missing'?"),
    "an ignore without a reason": check("[[ignore]]\nrules = ['numatune-missing']\n", "numalint.toml:1: object missing required field `reason` at [[ignore]] 1"),
    "a date": check("[[ignore]]\nrules = ['numatune-missing']\nreason = 'x'\nuntil = '31.12.2026'\n", "numalint.toml:1: it is no date such as 2026-12-31 at [[ignore]] 1 until"),
    "a date that is none": check("[[ignore]]\nrules = ['numatune-missing']\nreason = 'x'\nuntil = 2026-02-30\n", "numalint.toml:4"),
    "a set of CPUs": check(f"{HOST}housekeeping-cpus = '0-'\n", "numalint.toml:4: hosts.kvm01.housekeeping-cpus: '0-' is not a set such as '0-1,16'"),
    "a CPU that is not there": check(f"{HOST}housekeeping-cpus = '8'\n", "numalint.toml:4: hosts.kvm01.housekeeping-cpus: kvm01 has no CPU 8"),
    "a size": check(f"{HOST}reserved-memory = '4 GB'\n", "numalint.toml:4: hosts.kvm01.reserved-memory: '4 GB': write GiB, for tools differ on what GB is"),
    "two hosts of one domain": check(f"{HOST}{HOST.replace('kvm01', 'kvm02')}", "db1.xml: [hosts.kvm01] and [hosts.kvm02] both claim this domain"),
    "a baseline of the configuration": check("baseline = 'old.json'\n", "old.json: there is no such baseline"),
    "a configuration that extends itself": check("extend = 'numalint.toml'\n", "numalint.toml: extend: numalint.toml extends this file itself"),
    "a configuration to extend": check("extend = 'base.toml'\n", "numalint.toml: extend: base.toml cannot be read: No such file or directory"),
    "two configurations": Misuse("check .", {"numalint.toml": "", "pyproject.toml": "[tool.numalint]\n"}, "numalint.toml: pyproject.toml beside it configures numalint too"),
    # --- domains -----------------------------------------------------------------------------------------------------
    "a broken domain": Misuse("check .", {"bad.xml": "<domain><name>bad</name>"}, "malformed-domain"),
    "a value that libvirt refuses": Misuse("check .", {"bad.xml": "<domain><name>bad</name><vcpu>0</vcpu></domain>"}, "bad: a domain cannot have 0 vCPUs\n --> bad.xml:1:31"),
    "a DOCTYPE": Misuse("check .", {"bad.xml": "<!DOCTYPE domain><domain/>"}, "it has a DOCTYPE, which numalint does not read"),
    # --- rules of one's own ------------------------------------------------------------------------------------------
    "local rules that are not there": check("rules = ['own.py']\n", "own.py"),
    "local rules that cannot be imported": Misuse("check .", {**config("rules = ['own.py']\n"), "own.py": "import nowhere\n"}, "own.py"),
    "local rules without a rule": Misuse("check .", {**config("rules = ['own.py']\n"), "own.py": "x = 1\n"}, "own.py"),
    "a local rule of a name that is taken": Misuse("check .", {**config("rules = ['own.py']\n"), "own.py": RULE.format(id="numatune-missing", body="yield from ()")}, "there is a rule numatune-missing already"),
    "a local rule that raises": Misuse("check .", {**config("rules = ['own.py']\n"), "own.py": RULE.format(id="own-rule", body="yield 1 / 0")}, "rule own-rule failed on domain db1: ZeroDivisionError: division by zero"),
    # --- other commands ----------------------------------------------------------------------------------------------
    "a folder to propose for": Misuse("init nowhere", {}, "nowhere: there is no such folder"),
    "nothing to propose": Misuse("init .", {"db1.xml": None}, "there is nothing to propose: . has neither a domain nor a file that describes a host"),
    "a file to show": Misuse("show no.xml", {}, "no.xml"),
    "a schema": Misuse("schema cnfig", {}, "'cnfig' is not one of 'config', 'report'."),
}  # fmt: skip


@pytest.mark.parametrize("name", MISUSES)
def test_a_misuse_is_a_sentence_and_exit_code_2(numalint, tmp_path: Path, name: str) -> None:
    misuse = MISUSES[name]
    for file, text in {"db1.xml": GOOD, **misuse.files}.items():
        if text is not None:
            (tmp_path / file).write_text(text)
    arguments = [each.replace("_", " ") if "pack" in each else each for each in misuse.command.split()]
    done = numalint(*arguments, cwd=tmp_path)
    assert misuse.sentence.replace("_", " " if "pack" in misuse.sentence else "_") in done.err + done.out
    assert done.code == 2
    assert "Traceback" not in done.err
    assert "No findings:" not in done.err or "the report cannot be written" in done.err


def test_no_option_turns_it_green(numalint, tmp_path: Path) -> None:
    for file, text in {"db1.xml": GOOD, "bad.xml": "<domain>"}.items():
        (tmp_path / file).write_text(text)
    assert numalint("check", ".", "--exit-zero", cwd=tmp_path).code == 2
    assert (
        numalint("check", ".", "--exit-zero", "--fail-on", "error", "--ignore", "malformed-domain", cwd=tmp_path).code
        == 2
    )


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [("NUMALINT_CHECK_FAIL_ON", "'eror' is not one of"), ("NUMALINT_CHECK_FORMAT", "there is no format 'eror'"),
     ("NUMALINT_CHECK_SELECT", "there is no rule 'eror'"), ("NUMALINT_CHECK_HOSTS", "eror: ")],
)  # fmt: skip
def test_a_slip_in_the_environment_is_one_too(numalint, tmp_path: Path, variable: str, sentence: str) -> None:
    (tmp_path / "db1.xml").write_text(GOOD)
    done = numalint("check", ".", cwd=tmp_path, env={variable: "eror"})
    assert done.code == 2
    assert sentence in done.err


def test_there_are_enough() -> None:
    assert len(MISUSES) >= 60
