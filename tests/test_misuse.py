"""What a tired operator types or writes wrongly: each ends in a sentence and exit code 2, none in a green run."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

GOOD = "<domain type='kvm'><name>db1</name><memory unit='GiB'>1</memory><vcpu>1</vcpu></domain>\n"
BAD = "<domain><name>bad</name>"
SMALL = "pack:2 numa:1(memory=16GiB) core:4 pu:1"
HOST = f"[hosts.kvm01]\ntopology = '{SMALL}'\ndomains = ['*.xml']\n"
OTHER = HOST.replace("kvm01", "kvm02")
HOST_TOML = f"format = 1\nsynthetic = '{SMALL}'\n"
IGNORE = "[[ignore]]\nrules = ['numatune-missing']\nreason = 'x'\n"
BASELINE = '{"format": "numalint.baseline/1", "findings": []}\n'
RULE = '''"""A rule.

Bad:

    <domain/>

Good:

    <domain/>
"""

import numalint as n


@n.domain_rule("own-rule", n.Severity.NOTE, n.Category.MEMORY)
def check(domain):
    yield from ()
'''

Files = dict[str, str | bytes | None]


class Misuse(NamedTuple):
    """A command line, the lines that it has to print, and the files beside a good db1.xml (None: that is not there)."""

    command: str
    said: str
    files: Files = {}


def toml(text: str, said: str, **beside: str) -> Misuse:
    """A configuration with a slip, and files with a suffix of their own: ``a_toml`` for a.toml."""
    return Misuse("check .", said, {"numalint.toml": text, **named(beside)})


def pack(rule: str, said: str, command: str = "check .") -> Misuse:
    """A file of rules of one's own with a slip."""
    return Misuse(command, said, {"numalint.toml": "rules = ['own.py']\n", "own.py": rule})


def named(beside: dict[str, str]) -> Files:
    return {".".join(name.rsplit("_", 1)): text for name, text in beside.items()}


OPTIONS = {
    "a rule of --select": Misuse("check . --select numatune-mising", "there is no rule 'numatune-mising'; did you mean 'numatune-missing'?"),
    "a rule of --extend-select": Misuse("check . --extend-select memry", "there is no rule 'memry'; did you mean 'memory'?"),
    "a rule of --ignore": Misuse("check . --ignore memory,zzz", "there is no rule 'zzz'; numalint rules lists them"),
    "a notice of --select": Misuse("check . --select malformed-domain", "malformed-domain is a notice and no rule; numalint explain malformed-domain says what it is about"),
    "a notice of --ignore": Misuse("check . --ignore malformed-domain --exit-zero", "malformed-domain is a notice and no rule; numalint explain malformed-domain says what it is about", {"bad.xml": BAD}),
    "a rule that is a local one": Misuse("check . --no-local-rules --select own-rule", "there is no rule 'own-rule'; numalint rules lists them", {"numalint.toml": "rules = ['own.py']\n", "own.py": RULE}),
    "all rules ignored": Misuse("check . --ignore all", "no rule is left to judge by\n  = help: select and ignore, in numalint.toml and as options, leave all of them out: numalint rules lists them"),
    "a category selected and ignored": Misuse("check . --select memory --ignore memory", "no rule is left to judge by\n  = help: select and ignore, in numalint.toml and as options, leave all of them out: numalint rules lists them"),
    "--select of a variable that is not set": Misuse("check . --select ''", "Error: Invalid value for '--select': it is empty: give it a value, or leave it out"),
    "--select of a comma": Misuse("check . --select ,", "Error: Invalid value for '--select': it is empty: give it a value, or leave it out"),
    "--require of a variable that is not set": Misuse("check . --require ''", "Error: Invalid value for '--require': it is empty: give it a value, or leave it out"),
    "--host of a variable that is not set": Misuse("check . --host ''", "Error: Invalid value for '--host': it is empty: give it a value, or leave it out"),
    "--since of a variable that is not set": Misuse("check . --since ''", "Error: Invalid value for '--since': it is empty: give it a value, or leave it out"),
    "--baseline of a variable that is not set": Misuse("check . --baseline ''", "Error: Invalid value for '--baseline': it is empty: give it a value, or leave it out"),
    "--exclude of a variable that is not set": Misuse("check . --exclude ''", "Error: Invalid value for '--exclude': it is empty: give it a value, or leave it out"),
    "a path of a variable that is not set": Misuse("check ''", "Error: Invalid value for '[PATHS]...': it is empty: give it a value, or leave it out"),
    "a fact of --require": Misuse("check . --require l4", "--require: there is no fact 'l4'; the facts are nodes, sockets, cores, l3, memory, distances, hugepages, hugepages-free, pci, pci-node, names, isolated, offline, housekeeping, iommu-groups, all"),
    "a fact that is required and unknown": Misuse("check . --select numatune-missing --require nodes --exit-zero", "rule numatune-missing was not judged on domains without a host: nodes unknown"),
    "a format": Misuse("check . --format jsn", "there is no format 'jsn'; the formats are concise, github, gitlab, json, junit, markdown, sarif, text"),
    "one hyphen for two": Misuse("check . -format json", "there is no format 'ormat'; the formats are concise, github, gitlab, json, junit, markdown, sarif, text"),
    "a format of --report": Misuse("check . --report sarrif=x", "there is no format 'sarrif'; the formats are concise, github, gitlab, json, junit, markdown, sarif, text"),
    "--report without a file": Misuse("check . --report sarif", "--report sarif: write FORMAT=FILE, such as sarif=numalint.sarif"),
    "--report without a format": Misuse("check . --report =x", "--report =x: write FORMAT=FILE, such as sarif=numalint.sarif"),
    "a report in no folder": Misuse("check . --report json=no/x --exit-zero", "the report cannot be written to no/x: No such file or directory"),
    "a report in the place of a folder": Misuse("check . --report json=out", "the report cannot be written to out: Is a directory", {"out/a.txt": ""}),
    "two reports in one file": Misuse("check . --report json=x --report sarif=./x", "--report: two reports cannot both go to ./x"),
    "a report in the place of a domain": Misuse("check . --report json=db1.xml", "--report: db1.xml is a domain, which the report would replace: name another file"),
    "a report in the place of a host": Misuse("check . --report json=a.host.toml", "--report: a.host.toml is a host, which the report would replace: name another file", {"a.host.toml": HOST_TOML}),
    "a report in the place of the configuration": Misuse("check . --report json=numalint.toml", "--report: numalint.toml is the configuration, which the report would replace: name another file", {"numalint.toml": HOST}),
    "a severity": Misuse("check . --fail-on warn", "Error: Invalid value for '--fail-on': 'warn' is not one of 'note', 'warning', 'error'."),
    "a release": Misuse("check . --target-libvirt v9.0", "--target-libvirt: 'v9.0' is not a release of libvirt such as 11.3.0"),
    "a number of processes": Misuse("check . -j two", "Error: Invalid value for '-j' / '--jobs': 'two' is not a valid integer range."),
    "less than no process": Misuse("check . -j -1", "Error: Invalid value for '-j' / '--jobs': -1 is not in the range x>=0."),
    "a colour": Misuse("check . --color allways", "Error: Invalid value for '--color': 'allways' is not one of 'auto', 'always', 'never'."),
    "an option": Misuse("check . --formt json", "Error: No such option..."),
    "an option without its value": Misuse("check . --format", "Error: Option '--format' requires an argument."),
    "no help": Misuse("check --halp", "Error: No such option..."),
    "a revision outside git": Misuse("check . --since HEAD", "--since needs a git repository, and this is in none"),
    "a baseline that is not there": Misuse("check . --baseline old.json", "old.json: there is no such baseline\n  = help: numalint baseline create writes it"),
    "a folder as baseline": Misuse("check . --baseline .", ".: the baseline cannot be read: Is a directory"),
    "a baseline that is a report": Misuse("check . --baseline b.json", "b.json: its format is 'numalint.report/1', and this numalint reads 'numalint.baseline/1'", {"b.json": '{"format": "numalint.report/1", "findings": []}'}),
    "a baseline in the middle of a merge": Misuse("check . --baseline b.json", "b.json: it is no baseline: JSON is malformed...", {"b.json": "<<<<<<< HEAD\n"}),
    "--baseline and --no-baseline": Misuse("check . --baseline b.json --no-baseline", "--baseline and --no-baseline: give one of them", {"b.json": BASELINE}),
    "--no-suppressions and --show-suppressed": Misuse("check . --no-suppressions --show-suppressed", "--no-suppressions leaves nothing for --show-suppressed to show: give one of them"),
    "a configuration that is not there": Misuse("check . --config numalint.tml", "numalint.tml: the configuration cannot be read: No such file or directory", {"numalint.toml": HOST}),
    "a folder as configuration": Misuse("check . --config conf", "conf: the configuration cannot be read: Is a directory", {"conf/numalint.toml": HOST}),
    "a domain as configuration": Misuse("check . --config db1.xml", "db1.xml:1:1: it is not TOML: Invalid statement"),
    "a host as configuration": Misuse("check . --config a.host.toml", "a.host.toml:1: there is no key 'format'\n  = help: the keys are baseline, classes, exclude, extend, hosts, ignore, lint, overrides, placement, rules", {"a.host.toml": HOST_TOML}),
    "ignores without a reason": Misuse("check . --add-ignores", "--add-ignores needs --reason: say why the findings are accepted"),
    "a reason without ignores": Misuse("check . --reason x", "--reason belongs to --add-ignores, which is not given"),
    "a reason that no comment can hold": Misuse("check . --add-ignores --reason 'a -- b'", "--reason: an XML comment cannot hold this reason: it has -- in it, a - at its end, or a control character"),
    "ignores into standard input": Misuse("check - --add-ignores --reason x", "--add-ignores cannot write into standard input: name the files"),
    "ignores and a report": Misuse("check . --add-ignores --reason x --report sarif=x", "--add-ignores writes comments and no report: leave out --format and --report"),
    "ignores and no suppressions": Misuse("check . --add-ignores --reason x --no-suppressions", "--add-ignores writes what is not suppressed yet: leave out the other option on suppressions"),
    "ignores into a broken domain": Misuse("check . --add-ignores --reason x --exit-zero", "bad.xml:1:24: error[malformed-domain] bad.xml: it is not well-formed XML: ...", {"bad.xml": BAD}),
    "a name for no standard input": Misuse("check . --stdin-filename db1.xml", "--stdin-filename names what comes from standard input: give the path - too"),
    "a folder as standard input": Misuse("check - --stdin-filename sub", "--stdin-filename sub: it is a folder: name a file in it", {"sub/db1.xml": GOOD}),
    "standard input at a revision": Misuse("check - --since HEAD", "--since cannot know what standard input was before: name its file with --stdin-filename"),
}  # fmt: skip

COMMANDS = {
    "a command": Misuse("chekc .", "Error: There is no command 'chekc'. Did you mean 'check'?"),
    "a command that there is not": Misuse("version", "Error: There is no command 'version'."),
    "a command of baseline": Misuse("baseline prun", "Error: No such command 'prun'..."),
    "a command of config": Misuse("config shw", "Error: No such command 'shw'..."),
    "a command of topology": Misuse("topology chekc x", "Error: No such command 'chekc'..."),
    "a command of rules": Misuse("rules tets x", "Error: No such command 'tets'..."),
    "a rule to explain": Misuse("explain numatune_missing", "there is no rule 'numatune_missing'; did you mean 'numatune-missing'?"),
    "a category to explain": Misuse("explain memory", "memory is a category and no rule; numalint rules lists the rules of each"),
    "a topic to explain": Misuse("explain numalint.toml", "there is no rule 'numalint.toml'; did you mean 'numalint-toml'?"),
    "two rules to explain": Misuse("explain numatune-missing device-remote", "Error: Got unexpected extra argument (device-remote)"),
    "nothing to explain": Misuse("explain", "Error: Missing argument 'RULE'."),
    "a name of a new rule": Misuse("rules new Own_Rule", "'Own_Rule' is no name of a rule: write words of a-z and 0-9 joined by hyphens"),
    "a new rule of a name that is taken": Misuse("rules new numatune-missing", "there is a rule numatune-missing already: numalint explain numatune-missing says what it finds; choose another name"),
    "a new rule in the place of a file": Misuse("rules new own-rule", "own_rule.py cannot be written: File exists", {"own_rule.py": ""}),
    "rules to test that are not there": Misuse("rules test nope.py", "nope.py is no file, no folder and no package with numalint_rules(): No module named 'nope'"),
    "rules to test in a folder without any": Misuse("rules test .", ". has no rule: a rule is what @placement_rule or @domain_rule makes of a function"),
    "a format of the rules": Misuse("rules --format yaml", "Error: Invalid value for '-f' / '--format': 'yaml' is not one of 'text', 'json', 'markdown'."),
    "a schema": Misuse("schema cofig", "Error: Invalid value for '{config|report}': 'cofig' is not one of 'config', 'report'."),
    "a shell": Misuse("completion tcsh", "Error: Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'."),
    "nothing to show": Misuse("show", "name a file to show, or a host with --host"),
    "a file to show": Misuse("show db2.xml", "db2.xml: it cannot be read: No such file or directory"),
    "a broken domain to show": Misuse("show bad.xml", "bad.xml:1:25: it is not well-formed XML: ...", {"bad.xml": BAD}),
    "a network to show": Misuse("show net.xml", "net.xml: it is not a host description that numalint knows: its first element is <network> (looked for capabilities, node devices, hwloc XML, sysfs, lscpu, numactl, numastat, TOML, synthetic strings)", {"net.xml": "<network/>"}),
    "a host to show a domain on": Misuse("show db1.xml --host kvm01", "kvm01: it cannot be read: No such file or directory"),
    "a host to check": Misuse("topology check caps.xml", "caps.xml: it cannot be read: No such file or directory"),
    "a domain to check as host": Misuse("topology check db1.xml", "db1.xml: it is not a host description that numalint knows: its first element is <domain> (looked for capabilities, node devices, hwloc XML, sysfs, lscpu, numactl, numastat, TOML, synthetic strings)"),
    "one host to compare": Misuse("topology diff a.host.toml", "Error: Missing argument 'NEW'."),
    "two hosts as inputs of one": Misuse("topology check --together 'pack:1 core:2 pu:1' 'pack:2 numa:1 core:2 pu:1'", "pack:2 numa:1 core:2 pu:1: these inputs are not of one host (or one was made in a container): pack:2 numa:1 core:2 pu:1 has node 1, pack:1 core:2 pu:1 has only 0"),
    "a host to capture": Misuse("topology capture --from kvm01", "kvm01: it cannot be read: No such file or directory"),
    "a host to capture in no folder": Misuse("topology capture --from 'pack:1 core:2 pu:1' -o no/a.toml", "the host cannot be written to no/a.toml: No such file or directory"),
    "a host in the place of a domain": Misuse("topology capture --from 'pack:1 core:2 pu:1' -o db1.xml", "db1.xml is a domain, which the host would replace: name another file"),
    "a host without a name": Misuse("topology capture --from 'pack:1 core:2 pu:1' --name ''", "Error: Invalid value for '--name': it is empty: give it a value, or leave it out"),
    "a folder to propose for": Misuse("init nowhere", "nowhere: there is no such folder"),
    "nothing to propose": Misuse("init .", "there is nothing to propose: . has neither a domain nor a file that describes a host", {"db1.xml": None}),
    "a proposal in the place of a configuration": Misuse("init . --write", "numalint.toml configures . already: numalint init . prints what may be added", {"numalint.toml": HOST}),
    "a configuration to show": Misuse("config show nope", "nope: there is no such file or folder"),
    "a broken configuration to show": Misuse("config show", "numalint.toml:1:7: it is not TOML: Expected ']' at the end of a table declaration", {"numalint.toml": "[hosts\n"}),
    "a baseline that is there already": Misuse("baseline create", "numalint-baseline.json is there already: numalint baseline update adds to it", {"numalint-baseline.json": BASELINE}),
    "a baseline to update": Misuse("baseline update", "numalint-baseline.json: there is no such baseline\n  = help: numalint baseline create writes it"),
    "a baseline to prune": Misuse("baseline prune -o old.json", "old.json: there is no such baseline\n  = help: numalint baseline create writes it"),
    "a baseline of no domain": Misuse("baseline create vms/", "vms/: there is no such file or folder"),
    "a baseline of a broken domain": Misuse("baseline create", "bad.xml:1:24: error[malformed-domain] bad.xml: it is not well-formed XML: ...", {"bad.xml": BAD}),
    "a baseline of no rule": Misuse("baseline create --select memry", "there is no rule 'memry'; did you mean 'memory'?"),
    "a baseline in no folder": Misuse("baseline create -o no/old.json", "the baseline cannot be written to no/old.json: No such file or directory"),
}  # fmt: skip

DOMAINS = {
    "a path": Misuse("check db1.xml db2.xml", "db2.xml: there is no such file or folder"),
    "a glob that the shell has left": Misuse("check 'vms/*.xml'", "vms/*.xml: there is no such file or folder"),
    "a rule for a path": Misuse("check numatune-missing", "numatune-missing: there is no such file or folder"),
    "a world with no domain": Misuse("check .", "no libvirt domain was found in .\n  = help: name a folder with domain XML (virsh dumpxml --inactive NAME > NAME.xml)", {"db1.xml": None}),
    "a world with only a network": Misuse("check .", "no libvirt domain was found in .\n  = help: name a folder with domain XML (virsh dumpxml --inactive NAME > NAME.xml)", {"db1.xml": None, "net.xml": "<network/>"}),
    "a world that is all excluded": Misuse("check . --exclude '*.xml'", "no libvirt domain was found in . (1 excluded)\n  = help: name a folder with domain XML (virsh dumpxml --inactive NAME > NAME.xml)"),
    "a world that the configuration excludes": Misuse("check .", "no libvirt domain was found in . (2 excluded)\n  = help: name a folder with domain XML (virsh dumpxml --inactive NAME > NAME.xml)", {"numalint.toml": "exclude = ['*']\n"}),
    "a folder that is called as a domain": Misuse("check d.xml", "no libvirt domain was found in d.xml\n  = help: name a folder with domain XML (virsh dumpxml --inactive NAME > NAME.xml)", {"d.xml/a.txt": ""}),
    "a host for a domain": Misuse("check a.host.toml", "no libvirt domain was found in a.host.toml\n  = help: name a folder with domain XML (virsh dumpxml --inactive NAME > NAME.xml)", {"a.host.toml": HOST_TOML}),
    "a configuration for a domain": Misuse("check numalint.toml", "numalint.toml: it is no libvirt domain and no host file that numalint knows: it does not start with an XML element", {"numalint.toml": HOST}),
    "a file of another kind": Misuse("check net.xml", "net.xml: it is no libvirt domain and no host file that numalint knows: its first element is <network>", {"net.xml": "<network/>"}),
    "a domain of another program": Misuse("check b.xml", "b.xml: it is no libvirt domain and no host file that numalint knows: its first element is a <domain>, but not libvirt's, which has a type and no namespace", {"b.xml": "<domain id='1'/>"}),
    "an empty file": Misuse("check empty.xml", "empty.xml: it is no libvirt domain and no host file that numalint knows: it is empty", {"empty.xml": ""}),
    "an error in front of a domain": Misuse("check b.xml", "b.xml: it is no libvirt domain and no host file that numalint knows: it does not start with an XML element", {"b.xml": f"error: x\n{GOOD}"}),
    "an error behind a domain": Misuse("check .", "error[malformed-domain]: b.xml: it is not well-formed XML: ...", {"b.xml": f"{GOOD}error: x\n"}),
    "a domain that was cut off": Misuse("check .", "error[malformed-domain]: b.xml: it is not well-formed XML: ...", {"b.xml": GOOD[:60]}),
    "only a broken domain": Misuse("check . --exit-zero", "error[malformed-domain]: db1.xml: it is not well-formed XML: ...", {"db1.xml": BAD}),
    "a template": Misuse("check .", "error[malformed-domain]: db1: <vcpu>: its content is '{{ vcpus }}', not a decimal number\n --> t.xml:1:71", {"t.xml": GOOD.replace(">1</vcpu>", ">{{ vcpus }}</vcpu>")}),
    "a value that libvirt refuses": Misuse("check .", "error[malformed-domain]: db1: a domain cannot have 0 vCPUs\n --> b.xml:1:71", {"b.xml": GOOD.replace(">1</vcpu>", ">0</vcpu>")}),
    "a DOCTYPE": Misuse("check .", "error[malformed-domain]: b.xml: it has a DOCTYPE, which numalint does not read\n --> b.xml:1:1", {"b.xml": "<!DOCTYPE domain><domain/>"}),
    "an encoding": Misuse("check .", "error[malformed-domain]: b.xml: it is not UTF-8: byte 0xfc\n --> b.xml:1:15", {"b.xml": b"<domain><name>\xfc</name></domain>"}),
    "an encoding that is said": Misuse("check .", "error[malformed-domain]: b.xml: it is encoded in ISO-8859-1, and libvirt reads only UTF-8\n --> b.xml:1:1", {"b.xml": b"<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\xfc</name></domain>"}),
    "an encoding of PowerShell": Misuse("check .", "error[malformed-domain]: b.xml: it is encoded in UTF-16, and libvirt reads only UTF-8\n --> b.xml:1:1", {"b.xml": GOOD.encode("utf-16")}),
    "nothing on standard input": Misuse("check -", "-: it is no libvirt domain and no host file that numalint knows: it is empty"),
    "--tracked outside git": Misuse("check . --tracked", ".: --tracked needs a git repository, and this is in none"),
}  # fmt: skip

HOSTS = {
    "a host file": Misuse("check . --host caps.xml", "caps.xml: there is no such file, and no configuration that has a host of that name\n  = help: name a file, a folder, local, or a string such as 'pack:2 numa:1 core:8 pu:2'"),
    "a name of a host": Misuse("check . --host kvm1", "kvm1: there is no such file, and the configuration has no host of that name\n  = help: did you mean 'kvm01'?", {"numalint.toml": HOST}),
    "a name of no host": Misuse("check . --host db1", "db1: there is no such file, and the configuration has no host of that name\n  = help: the hosts are kvm01", {"numalint.toml": HOST}),
    "a name of a host and a file": Misuse("check . --host kvm01 --host a.host.toml", "kvm01: a host of the configuration takes no further inputs\n  = help: add them to its topology", {"numalint.toml": HOST, "a.host.toml": HOST_TOML}),
    "a domain as host": Misuse("check . --host db1.xml", "db1.xml: it is not a host description that numalint knows: its first element is <domain> (looked for capabilities, node devices, hwloc XML, sysfs, lscpu, numactl, numastat, TOML, synthetic strings)"),
    "an empty host": Misuse("check . --host empty.toml", "empty.toml: it is not a host description that numalint knows: it has no XML element (looked for capabilities, node devices, hwloc XML, sysfs, lscpu, numactl, numastat, TOML, synthetic strings)\n  = help: numalint's TOML begins with format = 1", {"empty.toml": ""}),
    "the configuration as host": Misuse("check . --host numalint.toml", "numalint.toml: it is not a host description that numalint knows: it has no XML element (looked for capabilities, node devices, hwloc XML, sysfs, lscpu, numactl, numastat, TOML, synthetic strings)\n  = help: numalint's TOML begins with format = 1", {"numalint.toml": HOST}),
    "a host that declares nothing": Misuse("check . --host a.toml", "a.toml:1: it declares nothing\n  = help: write [topology], [[nodes]], base or synthetic", {"a.toml": "format = 1\n"}),
    "a host of a later format": Misuse("check . --host a.toml", "a.toml:1: format: format 2 is not known; this numalint knows 1", {"a.toml": HOST_TOML.replace("1", "2", 1)}),
    "a key of a host": Misuse("check . --host a.toml", "a.toml:3: sinthetic: unknown key (did you mean 'synthetic'?)", {"a.toml": f"{HOST_TOML}sinthetic = ''\n"}),
    "capabilities without a topology": Misuse("check . --host caps.xml", "caps.xml: this capabilities XML has no <topology>: host CPU placement cannot be checked\n  = help: take it from a QEMU/KVM host: virsh -c qemu:///system capabilities", {"caps.xml": "<capabilities><host/></capabilities>"}),
    "capabilities without a cell": Misuse("check . --host caps.xml", "caps.xml:1:22: this capabilities XML has a <topology> without cells", {"caps.xml": "<capabilities><host><topology><cells num='0'/></topology></host></capabilities>"}),
    "capabilities that were cut off": Misuse("check . --host caps.xml", "caps.xml:1:21: it is not well-formed XML: ...", {"caps.xml": "<capabilities><host>"}),
    "a folder without a host": Misuse("check . --host d", "d: this folder has neither a sysfs tree nor a file that describes a host\n  = help: name a folder that holds sys/devices/system/cpu, or what virsh capabilities and nodedev-dumpxml print", {"d/a.txt": ""}),
    "a number in a synthetic string": Misuse("check . --host 'pack:2 numa:one'", "pack:2 numa:one: 'numa' has no count\n  = help: write for instance: pack:2 numa:1 core:16 pu:2"),
    "a word in a synthetic string": Misuse("check . --host 'pakc:2 numa:1'", "pakc:2 numa:1: 'pakc' is no type that numalint reads in a synthetic string\n  = help: write for instance: pack:2 numa:1 core:16 pu:2"),
    "a comma in a synthetic string": Misuse("check . --host 'pack:2,numa:1'", "pack:2,numa:1: the synthetic string is not understood from ',numa:1'\n  = help: write for instance: pack:2 numa:1 core:16 pu:2"),
    "a synthetic string without CPUs": Misuse("check . --host 'pack:2'", "pack:2: the synthetic string ends with package, not with pu: it has no CPUs\n  = help: write for instance: pack:2 numa:1 core:16 pu:2"),
    "two inputs of two hosts": Misuse("check . --host 'pack:1 core:2 pu:1' --host 'pack:2 numa:1 core:2 pu:1'", "pack:2 numa:1 core:2 pu:1: these inputs are not of one host (or one was made in a container): pack:2 numa:1 core:2 pu:1 has node 1, pack:1 core:2 pu:1 has only 0"),
    "two hosts equally near": Misuse("check .", ".: two hosts are equally near: a.host.toml and b.host.toml\n  = help: say in numalint.toml which it is:\n          [hosts.a]\n          topology = ['a.host.toml']  # or both, if they are of one host\n          domains = [\"*.xml\"]", {"a.host.toml": HOST_TOML, "b.host.toml": HOST_TOML}),
    "a broken host nearby": Misuse("check .", "caps.xml: this capabilities XML has no <topology>: host CPU placement cannot be checked\n  = help: take it from a QEMU/KVM host: virsh -c qemu:///system capabilities", {"caps.xml": "<capabilities/>"}),
    "a broken host that no domain is on": Misuse("check .", "sub/caps.xml: this capabilities XML has no <topology>: host CPU placement cannot be checked\n  = help: take it from a QEMU/KVM host: virsh -c qemu:///system capabilities", {"sub/caps.xml": "<capabilities/>"}),
}  # fmt: skip

CONFIGURATIONS = {
    "no TOML": toml("[hosts\n", "numalint.toml:1:7: it is not TOML: Expected ']' at the end of a table declaration"),
    "YAML": toml("lint:\n  select: [memory]\n", "numalint.toml:1:5: it is not TOML: Expected '=' after a key in a key/value pair"),
    "no UTF-8": Misuse("check .", "numalint.toml:1: it is not UTF-8\n  = help: save it as UTF-8", {"numalint.toml": b"# \xfc\n"}),
    "a table": toml("[host.a]\n", "numalint.toml:1: there is no key 'host'\n  = help: did you mean 'hosts'?"),
    "a key": toml(f"{HOST}domain = []\n", "numalint.toml:4: there is no key 'domain' in [hosts.kvm01]\n  = help: did you mean 'domains'?"),
    "a key with an underscore": toml("[lint]\nfail_on = 'note'\n", "numalint.toml:2: there is no key 'fail_on' in [lint]\n  = help: did you mean 'fail-on'?"),
    "a host twice": toml(HOST + HOST, "numalint.toml:4:13: it is not TOML: the table [hosts.kvm01] is there already"),
    "a key twice": toml(f"{HOST}domains = []\n", "numalint.toml:4:13: it is not TOML: the key is there already"),
    "a string for a list": toml("exclude = 'x'\n", "numalint.toml:1: exclude: expected a list, got a string in quotes"),
    "a string for the globs of the second host": toml(HOST + OTHER.replace("['*.xml']", "'*.xml'"), "numalint.toml:6: hosts.kvm02.domains: expected a list, got a string in quotes"),
    "a number for a string": toml(f"{HOST}class = 1\n", "numalint.toml:4: hosts.kvm01.class: expected a string in quotes, got a whole number"),
    "a number for a release": toml("[lint]\ntarget-libvirt = 9.0\n", "numalint.toml:2: lint.target-libvirt: expected a string in quotes, got a number"),
    "a list of hosts": toml("[[hosts]]\nname = 'kvm01'\n", "numalint.toml:1: hosts: expected a table, got a list"),
    "a table for a list of tables": toml("[ignore]\nrules = ['numatune-missing']\nreason = 'x'\n", "numalint.toml:1: ignore: expected a list, got a table\n  = help: write [[ignore]]"),
    "an empty path": toml("rules = ['']\n", "numalint.toml:1: rules, number 1: it is empty"),
    "an empty glob": toml(HOST.replace("*.xml", ""), "numalint.toml:3: hosts.kvm01.domains, number 1: it is empty"),
    "a glob that meets nothing": toml(HOST.replace("*.xml", "vm/*.xml"), "numalint.toml:3: hosts.kvm01.domains: no domain file meets 'vm/*.xml'\n  = help: mend the glob, or take it out; files that git ignores or exclude names are not looked at"),
    "a glob with backslashes": toml(HOST.replace("*.xml", "vm\\*.xml"), "numalint.toml:3: hosts.kvm01.domains: no domain file meets 'vm\\\\*.xml'\n  = help: write / between folders"),
    "an absolute glob": toml(HOST.replace("*.xml", "/srv/vm/*.xml"), "numalint.toml:3: hosts.kvm01.domains: no domain file meets '/srv/vm/*.xml'\n  = help: a / in front stands for the folder of the configuration, in which globs begin"),
    "a glob in the home folder": toml(HOST.replace("*.xml", "~/vm/*.xml"), "numalint.toml:3: hosts.kvm01.domains: no domain file meets '~/vm/*.xml'\n  = help: it is not expanded: globs are relative to the folder of the configuration"),
    "a glob with braces": toml(HOST.replace("*.xml", "{db1,db2}.xml"), "numalint.toml:3: hosts.kvm01.domains: no domain file meets '{db1,db2}.xml'\n  = help: braces are no wildcards: write a glob for each"),
    "a glob that takes out": toml(HOST.replace("*.xml", "!db2.xml"), "numalint.toml:3: hosts.kvm01.domains: no domain file meets '!db2.xml'\n  = help: a glob takes nothing out: exclude does"),
    "a glob that only a network meets": toml(HOST.replace("*.xml", "net.xml"), "numalint.toml:3: hosts.kvm01.domains: no domain file meets 'net.xml'\n  = help: mend the glob, or take it out; files that git ignores or exclude names are not looked at", net_xml="<network/>"),
    "a glob that only an excluded file meets": toml("exclude = ['db1.xml']\n" + HOST, "numalint.toml:4: hosts.kvm01.domains: no domain file meets '*.xml'\n  = help: mend the glob, or take it out; files that git ignores or exclude names are not looked at", net_xml="<network/>"),
    "two hosts of one domain": toml(HOST + OTHER, "db1.xml: [hosts.kvm01] and [hosts.kvm02] both claim this domain\n  = help: let one host's globs match it, or write a [[placement]] with both if it moves between them"),
    "a topology that is not there": toml(HOST.replace(SMALL, "caps.xml"), "numalint.toml:2: hosts.kvm01.topology: caps.xml: it cannot be read: No such file or directory"),
    "a topology of a class that is not there": toml(f"{HOST.replace('topology', 'class').replace(SMALL, 'fast')}[classes.fast]\ntopology = 'caps.xml'\n", "numalint.toml:5: classes.fast.topology: caps.xml: it cannot be read: No such file or directory"),
    "a topology of a host that no domain is on": toml(f"{HOST}[hosts.kvm02]\ntopology = 'caps.xml'\n", "numalint.toml:5: hosts.kvm02.topology: caps.xml: it cannot be read: No such file or directory"),
    "an empty topology": toml(HOST.replace(f"'{SMALL}'", "[]"), "numalint.toml:1: hosts.kvm01: neither it nor its class has a topology\n  = help: say which file describes it, or a string such as 'pack:2 numa:1 core:8 pu:2'"),
    "no topology": toml("[hosts.kvm01]\ndomains = ['*.xml']\n", "numalint.toml:1: hosts.kvm01: neither it nor its class has a topology\n  = help: say which file describes it, or a string such as 'pack:2 numa:1 core:8 pu:2'"),
    "a topology that is a domain": toml(HOST.replace(SMALL, "db1.xml"), "db1.xml: it is not a host description that numalint knows: its first element is <domain> (looked for capabilities, node devices, hwloc XML, sysfs, lscpu, numactl, numastat, TOML, synthetic strings)"),
    "a topology with a slip": toml(HOST.replace("numa:", "nuam:"), "pack:2 nuam:1(memory=16GiB) core:4 pu:1: 'nuam' is no type that numalint reads in a synthetic string\n  = help: write for instance: pack:2 numa:1 core:16 pu:2"),
    "a class": toml(f"{HOST}class = 'fats'\n[classes.fast]\n", "numalint.toml:4: hosts.kvm01.class: there is no class 'fats'\n  = help: did you mean 'fast'?"),
    "a set of CPUs": toml(f"{HOST}housekeeping-cpus = '0-'\n", "numalint.toml:4: hosts.kvm01.housekeeping-cpus: '0-' is not a set such as '0-1,16': '-' is not a number, a range N-M or an exclusion ^N"),
    "a CPU that is not there": toml(f"{HOST}housekeeping-cpus = '8'\n", "numalint.toml:4: hosts.kvm01.housekeeping-cpus: kvm01 has no CPU 8\n  = help: its CPUs are 0-7"),
    "a size": toml(f"{HOST}reserved-memory = '4 GB'\n", "numalint.toml:4: hosts.kvm01.reserved-memory: '4 GB': write GiB, for tools differ on what GB is"),
    "a node of a size": toml(f"{HOST}reserved-memory = {{ node0 = '1 GiB' }}\n", "numalint.toml:4: hosts.kvm01.reserved-memory: 'node0' is no number of a node"),
    "more memory than there is": toml(f"{HOST}reserved-memory = '17 GiB'\n", "numalint.toml:4: hosts.kvm01.reserved-memory: it is more than the memory of node 0 of kvm01"),
    "an overcommit of nothing": toml(f"{HOST}overcommit = 0\n", "numalint.toml:4: hosts.kvm01.overcommit: it has to be above 0"),
    "exclusive groups without their list": toml(f"{HOST}exclusive-groups = ['db1', 'db2']\n", "numalint.toml:4: hosts.kvm01.exclusive-groups, number 1: expected a list, got a string in quotes"),
    "a host of a set": toml(f"{HOST}[[placement]]\ndomains = ['*.xml']\nhosts = ['kvm1']\n", "numalint.toml:4: [[placement]] 1: there is no host 'kvm1'\n  = help: did you mean 'kvm01'?"),
    "a set without hosts": toml(f"{HOST}[[placement]]\ndomains = ['*.xml']\n", "numalint.toml:4: [[placement]] 1: it names no host\n  = help: list them in hosts, or name the class of several"),
    "a set of a class without hosts": toml(f"{HOST}[classes.fast]\n[[placement]]\ndomains = ['*.xml']\nclass = 'fast'\n", "numalint.toml:5: [[placement]] 1: it names no host\n  = help: list them in hosts, or name the class of several"),
    "a set without domains": toml(f"{HOST}[[placement]]\nhosts = ['kvm01']\n", "numalint.toml:4: [[placement]] 1: the key 'domains' is missing"),
    "a glob of a set": toml(f"{HOST}[[placement]]\ndomains = ['vm/']\nhosts = ['kvm01']\n", "numalint.toml:4: [[placement]] 1: no domain file meets 'vm/'\n  = help: mend the glob, or take it out; files that git ignores or exclude names are not looked at"),
    "an override about all": toml(f"{HOST}[[overrides]]\nignore = ['memory']\n", "numalint.toml:4: [[overrides]] 1: it does not say what it is about\n  = help: write path, domain, host or class; what is meant for all belongs into [lint]"),
    "an override that changes nothing": toml(f"{HOST}[[overrides]]\nhost = 'kvm01'\n", "numalint.toml:4: [[overrides]] 1: it changes nothing\n  = help: write extend-select, ignore or severity"),
    "an override about nothing": toml(f"{HOST}[[overrides]]\ndomain = 'db2'\nignore = ['memory']\n", "numalint.toml:4: [[overrides]] 1: it is about no domain that there is\n  = help: mend its globs, or take it out"),
    "a host of an override": toml(f"{HOST}[[overrides]]\nhost = 'kvm1'\nignore = ['memory']\n", "numalint.toml:4: [[overrides]] 1: there is no host 'kvm1'\n  = help: did you mean 'kvm01'?"),
    "a class of an override": toml(f"{HOST}[[overrides]]\nclass = 'fast'\nignore = ['memory']\n", "numalint.toml:4: [[overrides]] 1: there is no class 'fast'\n  = help: write [classes.fast]"),
    "a rule of an override": toml(f"{HOST}[[overrides]]\nhost = 'kvm01'\nignore = ['memry']\n", "numalint.toml:4: [[overrides]] 1: there is no rule 'memry'\n  = help: did you mean 'memory'?"),
    "a severity of an override": toml(f"{HOST}[[overrides]]\nhost = 'kvm01'\nseverity = {{ memory = 'off' }}\n", "numalint.toml:6: [[overrides]] 1 severity.memory: 'off' is none of 'note', 'warning', 'error'"),
    "a key of the second override": toml(f"{HOST}[[overrides]]\nhost = 'kvm01'\nignore = ['memory']\n[[overrides]]\nhost = 'kvm01'\nselect = ['memory']\n", "numalint.toml:9: there is no key 'select' in [[overrides]] 2\n  = help: did you mean 'extend-select'?"),
    "a rule about all domains for one": toml(f"{HOST}[[overrides]]\ndomain = 'db1'\nextend-select = ['pcpu-double-booked']\n", "numalint.toml:4: [[overrides]] 1: pcpu-double-booked is about all domains of a host together\n  = help: select it by host or class, or in [lint]"),
    "a rule of select": toml("[lint]\nselect = ['memry']\n", "numalint.toml:2: lint.select: there is no rule 'memry'\n  = help: did you mean 'memory'?"),
    "a rule of extend-select": toml("[lint]\nextend-select = ['Memory']\n", "numalint.toml:2: lint.extend-select: there is no rule 'Memory'\n  = help: did you mean 'memory'?"),
    "a rule of ignore": toml("[lint]\nignore = ['numatune_missing']\n", "numalint.toml:2: lint.ignore: there is no rule 'numatune_missing'\n  = help: did you mean 'numatune-missing'?"),
    "a rule of severity": toml("[lint.severity]\nmemry = 'note'\n", "numalint.toml:1: lint.severity: there is no rule 'memry'\n  = help: did you mean 'memory'?"),
    "a rule of unsuppressible": toml("[lint]\nunsuppressible = ['x']\n", "numalint.toml:2: lint.unsuppressible: there is no rule 'x'\n  = help: numalint rules lists them"),
    "a notice of select": toml("[lint]\nselect = ['malformed-domain']\n", "numalint.toml:2: lint.select: malformed-domain is a notice and no rule\n  = help: numalint explain malformed-domain says what it is about"),
    "a notice of severity": toml("[lint.severity]\nmalformed-domain = 'note'\n", "numalint.toml:1: lint.severity: malformed-domain is a notice and no rule\n  = help: numalint explain malformed-domain says what it is about"),
    "a selection of nothing": toml("[lint]\nselect = []\n", "no rule is left to judge by\n  = help: select and ignore, in numalint.toml and as options, leave all of them out: numalint rules lists them"),
    "a severity of a rule": toml("[lint.severity]\nnumatune-missing = 'off'\n", "numalint.toml:2: lint.severity.numatune-missing: 'off' is none of 'note', 'warning', 'error'"),
    "a severity of fail-on": toml("[lint]\nfail-on = 'warn'\n", "numalint.toml:2: lint.fail-on: 'warn' is none of 'note', 'warning', 'error'"),
    "a release of [lint]": toml("[lint]\ntarget-libvirt = 'latest'\n", "numalint.toml:2: lint.target-libvirt: 'latest' is not a release of libvirt such as 11.3.0"),
    "a rule of an ignore": toml(IGNORE.replace("missing", "misssing"), "numalint.toml:1: [[ignore]] 1: there is no rule 'numatune-misssing'\n  = help: did you mean 'numatune-missing'?"),
    "a category of an ignore": toml(IGNORE.replace("numatune-missing", "memory"), "numalint.toml:1: [[ignore]] 1: 'memory' is no rule\n  = help: name each rule: a suppression covers no more than it says"),
    "a notice of an ignore": toml(IGNORE.replace("numatune-missing", "malformed-domain"), "numalint.toml:1: [[ignore]] 1: malformed-domain may not be suppressed\n  = help: mend what it reports"),
    "an ignore of nothing": toml(IGNORE.replace("'numatune-missing'", ""), "numalint.toml:1: [[ignore]] 1: it names no rule\n  = help: list the rules that it covers"),
    "an ignore without a reason": toml("[[ignore]]\nrules = ['numatune-missing']\n", "numalint.toml:1: [[ignore]] 1: the key 'reason' is missing"),
    "an ignore with an empty reason": toml(IGNORE.replace("'x'", "' '"), "numalint.toml:1: [[ignore]] 1: it gives no reason\n  = help: say why the findings are accepted"),
    "a host of an ignore": toml(f"{HOST}{IGNORE}host = 'kvm1'\n", "numalint.toml:4: [[ignore]] 1: there is no host 'kvm1'\n  = help: did you mean 'kvm01'?"),
    "a date in quotes": toml(f"{IGNORE}until = '31.12.2026'\n", "numalint.toml:4: [[ignore]] 1 until: it is no date such as 2026-12-31"),
    "a date in another order": toml(f"{IGNORE}until = 31-12-2026\n", "numalint.toml:4:11: it is not TOML: Expected newline or end of document after a statement\n  = help: a date is written 2026-12-31"),
    "a date that is none": toml(f"{IGNORE}until = 2026-02-30\n", "numalint.toml:4:9: it is not TOML: Invalid date or datetime\n  = help: a date is written 2026-12-31"),
    "a date with a time": toml(f"{IGNORE}until = 2026-12-31T00:00:00Z\n", "numalint.toml:4: [[ignore]] 1 until: expected a date such as 2026-12-31, got a date with a time"),
    "a year for a date": toml(f"{IGNORE}until = 2026\n", "numalint.toml:4: [[ignore]] 1 until: expected a date such as 2026-12-31, got a whole number"),
    "a baseline of the configuration": toml("baseline = 'old.json'\n", "old.json: there is no such baseline\n  = help: numalint baseline create writes it"),
    "a configuration that extends itself": toml("extend = 'numalint.toml'\n", "numalint.toml:1: extend: numalint.toml extends this file itself\n  = help: take it out of extend"),
    "configurations that extend one another": toml("extend = 'a.toml'\n", "b.toml:2: extend: a.toml extends this file itself\n  = help: take it out of extend", a_toml="extend = ['b.toml']\n", b_toml="\nextend = 'a.toml'\n"),
    "a configuration to extend": toml("extend = 'base.toml'\n", "numalint.toml:1: extend: base.toml cannot be read: No such file or directory"),
    "a slip in what is extended": toml("extend = 'a.toml'\n", "a.toml:1: there is no key 'lnt'\n  = help: did you mean 'lint'?", a_toml="[lnt]\n"),
    "two configurations": Misuse("check .", "numalint.toml: pyproject.toml beside it configures numalint too\n  = help: move [tool.numalint] of pyproject.toml into it, or remove one of them", {"numalint.toml": "", "pyproject.toml": "[tool.numalint]\n"}),
    "a hidden configuration": Misuse("check .", ".numalint.toml: no configuration has this name\n  = help: name it numalint.toml", {".numalint.toml": HOST}),
    "a slip in pyproject.toml": Misuse("check .", "pyproject.toml:3: there is no key 'lnt'\n  = help: did you mean 'lint'?", {"pyproject.toml": "[project]\n\n[tool.numalint.lnt]\n"}),
    "a broken pyproject.toml": Misuse("check .", "pyproject.toml:1:15: it is not TOML: Expected ']' at the end of a table declaration", {"pyproject.toml": "[tool.numalint\n"}),
    "a pyproject.toml without the table": Misuse("check . --config pyproject.toml", "pyproject.toml: it has no table [tool.numalint]", {"pyproject.toml": "[project]\n"}),
}  # fmt: skip

OWN_RULES = {
    "a file that is not there": toml("\nrules = ['own.py']\n", "numalint.toml:2: rules: there is no file or folder 'own.py'"),
    "a folder without rules": toml("rules = ['own/']\n", "own has no rule: a rule is what @placement_rule or @domain_rule makes of a function", **{"own/a_txt": ""}),
    "a file that is no Python": toml("rules = ['own.txt']\n", "own.txt: there is no such Python file", own_txt=RULE),
    "a file without a rule": pack("x = 1\n", "own.py has no rule: a rule is what @placement_rule or @domain_rule makes of a function"),
    "a syntax error": pack("def (:\n", "own.py cannot be loaded: SyntaxError: ..."),
    "an import that fails": pack("import nowhere\n", "own.py cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
    "a file that leaves": pack("raise SystemExit(0)\n", "own.py cannot be loaded: SystemExit: 0"),
    "a decorator": pack(RULE.replace("domain_rule", "domian_rule"), "own.py cannot be loaded: AttributeError: module 'numalint' has no attribute 'domian_rule'"),
    "a decorator without its arguments": pack("import numalint\n\n\n@numalint.domain_rule\ndef check(domain):\n    yield\n", "own.py cannot be loaded: TypeError: domain_rule() missing 2 required positional arguments: 'severity' and 'category'"),
    "a rule's name in capitals": pack(RULE.replace("own-rule", "Own_Rule"), "local rules: rule id 'Own_Rule' is not words of a-z joined by hyphens"),
    "a rule's name that is taken": pack(RULE.replace("own-rule", "numatune-missing"), "local rules: there is a rule numatune-missing already"),
    "a rule's name that is a category": pack(RULE.replace("own-rule", "memory"), "local rules: memory is no name for a rule: it names a category, a notice or all rules"),
    "a rule's name that is a notice": pack(RULE.replace("own-rule", "malformed-domain"), "local rules: malformed-domain is no name for a rule: it names a category, a notice or all rules"),
    "a severity in quotes": pack(RULE.replace("n.Severity.NOTE", "'note'"), "local rules: rule own-rule needs one of numalint.Severity and one of numalint.Category"),
    "a rule that raises": pack(RULE.replace("yield from ()", "yield 1 / 0"), "db1.xml: rule own-rule failed on domain db1: ZeroDivisionError: division by zero\n  = help: leave it out with --ignore own-rule, and report this to its author"),
    "a rule that leaves": pack(RULE.replace("yield from ()", "raise SystemExit(0)"), "db1.xml: rule own-rule failed on domain db1: SystemExit: 0\n  = help: leave it out with --ignore own-rule, and report this to its author"),
    "a rule that leaves a worker": pack(RULE.replace("yield from ()", "raise SystemExit(0)"), "db1.xml: rule own-rule failed on domain db1: SystemExit: 0\n  = help: leave it out with --ignore own-rule, and report this to its author", "check . -j 2"),
    "a rule that ends a worker": pack(RULE.replace("yield from ()", "__import__('os')._exit(0)"), "-j: a worker process has ended before its time, perhaps for want of memory", "check . -j 2"),
    "a rule that yields a text": pack(RULE.replace("yield from ()", "yield 'x'"), "db1.xml: rule own-rule failed on domain db1: TypeError: it yields 'x', and not a Finding (of a host_rule a Conflict) or a NotJudged\n  = help: leave it out with --ignore own-rule, and report this to its author"),
    "a finding without a text": pack(RULE.replace("yield from ()", "yield n.Finding(domain.place, 1, 'x')"), "db1.xml: rule own-rule failed on domain db1: TypeError: message, label, why and help of a Finding are texts, and not (1, 'x', '', '')\n  = help: leave it out with --ignore own-rule, and report this to its author"),
    "a finding with a severity in quotes": pack(RULE.replace("yield from ()", "yield n.Finding(domain.place, 'x', 'y', 'note')"), "db1.xml: rule own-rule failed on domain db1: TypeError: the severity of a Finding is a Severity or None, and not 'note'\n  = help: leave it out with --ignore own-rule, and report this to its author"),
    "a rule that returns nothing": pack(RULE.replace("yield from ()", "return None"), "db1.xml: rule own-rule failed on domain db1: TypeError: 'NoneType' object is not iterable\n  = help: leave it out with --ignore own-rule, and report this to its author"),
    "a rule of two arguments": pack(RULE.replace("(domain)", "(domain, host)"), "db1.xml: rule own-rule failed on domain db1: TypeError: check() missing 1 required positional argument: 'host'\n  = help: leave it out with --ignore own-rule, and report this to its author"),
}  # fmt: skip

MISUSES = {
    f"{title}: {name}": misuse
    for title, table in {
        "option": OPTIONS,
        "command": COMMANDS,
        "domain": DOMAINS,
        "host": HOSTS,
        "configuration": CONFIGURATIONS,
        "own rules": OWN_RULES,
    }.items()
    for name, misuse in table.items()
}


@pytest.fixture
def numalint(numalint_inside):
    return numalint_inside


def write(folder: Path, files: Files) -> None:
    """A good domain, and the files of a case."""
    for name, text in {"db1.xml": GOOD, **files}.items():
        if text is not None:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def has_lines(text: str, lines: str) -> bool:
    """Whether a text has these whole lines, behind ``error:`` where they do not say it themselves.

    What follows ``...`` are the words of another program, which its next release may say otherwise.
    """
    begun = lines if lines.lower().startswith("error") or ": error[" in lines else f"error: {lines}"
    return f"\n{begun.removesuffix('...')}" in f"\n{text}" if begun.endswith("...") else f"\n{begun}\n" in f"\n{text}"


@pytest.mark.parametrize("name", MISUSES)
def test_a_misuse_is_a_sentence_and_exit_code_2(numalint, tmp_path: Path, name: str) -> None:
    misuse = MISUSES[name]
    write(tmp_path, misuse.files)
    done = numalint(*shlex.split(misuse.command), cwd=tmp_path)
    assert done.code == 2
    assert has_lines(done.out + done.err, misuse.said), done.out + done.err
    assert "Traceback" not in done.out + done.err
    assert str(tmp_path) not in done.out + done.err
    if "the report cannot be written" not in done.err:
        assert "No findings:" not in done.out + done.err


def test_there_are_enough() -> None:
    assert len(MISUSES) >= 250


VARIABLES = {
    "FAIL_ON": ("warn", "Error: Invalid value for '--fail-on': 'warn' is not one of 'note', 'warning', 'error'."),
    "SELECT": ("memry", "there is no rule 'memry'; did you mean 'memory'?"),
    "REPORTS": ("sarif", "--report sarif: write FORMAT=FILE, such as sarif=numalint.sarif"),
    "TRACKED": ("maybe", "Error: Invalid value for '--tracked': 'maybe' is not a valid boolean..."),
    "HOST": ("kvm01", "NUMALINT_CHECK_HOST: numalint check has no option HOST; did you mean 'HOSTS'?"),
    "SELCT": ("memory", "NUMALINT_CHECK_SELCT: numalint check has no option SELCT; did you mean 'SELECT'?"),
    "PATHS": (".", "NUMALINT_CHECK_PATHS: numalint check has no option PATHS; numalint check --help lists them"),
}  # fmt: skip


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_slip_in_the_environment_is_one_too(numalint, tmp_path: Path, variable: str) -> None:
    write(tmp_path, {})
    value, said = VARIABLES[variable]
    done = numalint("check", ".", cwd=tmp_path, env={f"NUMALINT_CHECK_{variable}": value})
    assert done.code == 2
    assert has_lines(done.err, said), done.err


def test_a_link_that_leads_nowhere_and_a_fifo(numalint, tmp_path: Path) -> None:
    write(tmp_path, {})
    (tmp_path / "db2.xml").symlink_to("vanished.xml")
    os.mkfifo(tmp_path / "fifo.xml")
    done = numalint("check", ".", "fifo.xml", cwd=tmp_path)
    assert done.code == 2
    assert has_lines(done.err, "db2.xml: it is a link to a file that does not exist")
    assert has_lines(done.err, "fifo.xml: it is a FIFO, not a file")


REVISIONS = {
    "mian": "--since mian: git knows no revision 'mian' here; in a shallow clone fetch it first (fetch-depth: 0)",
    "db1.xml": "--since db1.xml: git knows no revision 'db1.xml' here; in a shallow clone fetch it first (fetch-depth: 0)",
    "HEAD": "--since HEAD: what it had cannot be judged: numalint.toml:1:6: it is not TOML: Expected ']' at the end of a table declaration",
}  # fmt: skip


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_revision_that_cannot_be_judged(numalint, tmp_path: Path, revision: str) -> None:
    write(tmp_path, {"numalint.toml": "[lint\n"})
    who = ["-c", "user.name=numalint", "-c", "user.email=numalint@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "numalint.toml").write_text(HOST)
    done = numalint("check", ".", "--since", revision, cwd=tmp_path)
    assert done.code == 2
    assert has_lines(done.err, REVISIONS[revision]), done.err


FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown")


@pytest.mark.parametrize("format", FORMATS)
def test_it_is_told_in_every_format_and_no_option_turns_it_green(numalint, tmp_path: Path, format: str) -> None:
    write(tmp_path, {"numalint.toml": HOST.replace("*.xml", "vm/")})
    done = numalint("check", ".", "--exit-zero", "--fail-on", "error", "-q", "--format", format, cwd=tmp_path)
    assert done.code == 2
    said = "hosts.kvm01.domains: no domain file meets 'vm/'"
    assert has_lines(done.err, f"numalint.toml:3: {said}\n  = help: mend the glob, or take it out; files that git...")
    assert said in done.out or format in ("text", "concise")
