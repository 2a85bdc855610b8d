"""What the configuration declares of a host, over what the host's inputs state."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from numalint.loaders.config import Keys, LoadedConfig
from numalint.loaders.config_check import refusal
from numalint.loaders.document import LoadError
from numalint.model.host import Host
from numalint.model.idset import HostCpus, HostNode
from numalint.model.report import Problem

_NO_GLOB = {
    r"\\": "write / between folders",
    r"^~|\$": "it is not expanded: globs are relative to the folder of the configuration",
    r"^/": "a / in front stands for the folder of the configuration, in which globs begin",
    r"^!": "a glob takes nothing out: exclude does",
    r"\{": "braces are no wildcards: write a glob for each",
}
"""What globs of other programs have and these do not, with what to do."""


def with_declared(host: Host, config: LoadedConfig) -> Host:
    """The host with the CPUs and the memory that its entry, or its class, keeps for it.

    Raises LoadError for CPUs and nodes that it does not have, and for more memory than a node has.
    """
    if host.name not in config.config.hosts:
        return host
    kept, reserved = config.config.housekeeping(host.name), config.config.reserved_bytes(host.name)
    if kept is not None:
        _check_cpus(host, kept, config)
        host = replace(host, housekeeping=kept)
    if reserved and host.nodes is not None:
        _check_reserved(host, reserved, config)
        default = reserved.get(None)
        sizes = {node.id: reserved.get(node.id, default) for node in host.nodes if node.memory_bytes != 0}
        nodes = [(node, sizes.get(node.id)) for node in host.nodes]
        host = replace(
            host, nodes=tuple(node if size is None else replace(node, reserved_bytes=size) for node, size in nodes)
        )
    return host


def _check_cpus(host: Host, kept: HostCpus, config: LoadedConfig) -> None:
    if host.cpus is not None and (beyond := kept - host.cpus - (host.offline or host.cpus - host.cpus)):
        keys = written_at(config, host.name, "housekeeping-cpus")
        raise refusal(config, keys, f"{host.name} has no CPU {beyond}", f"its CPUs are {host.cpus}")


def _check_reserved(host: Host, reserved: dict[HostNode | None, int], config: LoadedConfig) -> None:
    keys = written_at(config, host.name, "reserved-memory")
    for number, size in reserved.items():
        if number is not None and number not in host.node_by_id:
            raise refusal(config, keys, f"{host.name} has no node {number}")
        for node in host.nodes or () if number is None else (host.node_by_id[number],):
            if node.memory_bytes and size > node.memory_bytes:
                raise refusal(config, keys, f"it is more than the memory of node {node.id} of {host.name}")


def written_at(config: LoadedConfig, name: str, key: str) -> Keys:
    """Where a value of a host is written: with the host, else with its class."""
    own: Keys = ("hosts", name, key)
    of_class = config.config.hosts[name].class_
    written = any(each[:3] == own for each in config.places)
    return own if written or of_class is None else ("classes", of_class, key)


def unmet_glob(config: LoadedConfig, keys: Keys, glob: str) -> Problem:
    """A glob of the configuration that no file of a domain meets: a slip, or the rest of what is gone."""
    usual = "mend the glob, or take it out; files that git ignores or exclude names are not looked at"
    help = next((help for sign, help in _NO_GLOB.items() if re.search(sign, glob)), usual)
    return _problem(refusal(config, keys, f"no domain file meets {glob!r}", help))


def unmet_overrides(config: LoadedConfig, numbers: Iterable[int]) -> list[Problem]:
    """Overrides that were about nothing: what they were meant for is judged without them."""
    help = "mend its globs, or take it out"
    keys: list[Keys] = [("overrides", number) for number in numbers]
    return [_problem(refusal(config, each, "it is about no domain that there is", help)) for each in keys]


def _problem(error: LoadError) -> Problem:
    return Problem(kind="unmet-glob", message=error.message, path=error.path, line=error.line, help=error.help)
