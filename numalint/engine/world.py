"""Which domain meets which host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from numalint.engine.declared import unmet_glob, with_declared
from numalint.engine.discover import STDIN
from numalint.engine.glob import matches
from numalint.engine.nearest import Nearest
from numalint.loaders.config import Keys, LoadedConfig
from numalint.loaders.config_file import NAME
from numalint.loaders.document import HEAD_BYTES, Head, HostFormat, LoadError, read_head
from numalint.loaders.domain import WRAPPERS
from numalint.loaders.host.inputs import is_path, load_inputs, recognise
from numalint.model.claim import Claim
from numalint.model.fleet import OVERCOMMIT, Fleet
from numalint.model.host import Host
from numalint.model.report import Problem

DOMAIN_ELEMENTS = {"domain", *WRAPPERS}


class Kind(msgspec.Struct, frozen=True):
    """What a file is: a domain document, an input of a host in some format, or neither."""

    domain: bool = False
    format: HostFormat | None = None
    head: Head = Head("")


class Sniffer:
    """Tells what files are from their first bytes; each file is opened once for that, and to be read."""

    def __init__(self, formats: tuple[HostFormat, ...]) -> None:
        self.formats = formats
        self._known: dict[str, Kind] = {}

    def kind(self, path: str) -> Kind:
        """What the file at ``path`` is. Raises OSError where it cannot be read."""
        if path not in self._known:
            with open(path, "rb") as file:
                self._known[path] = self.kind_of(file.read(HEAD_BYTES))
        return self._known[path]

    def read(self, path: str) -> tuple[Kind, bytes]:
        """What the file at ``path`` is and, where it holds domains, its bytes. Raises OSError."""
        known = self._known.get(path)
        if known is not None and not known.domain:
            return known, b""
        with open(path, "rb", buffering=0) as file:
            data = file.read(HEAD_BYTES)
            kind = self._known[path] = known or self.kind_of(data)
            if not kind.domain:
                return kind, b""
            return kind, data + file.read() if len(data) == HEAD_BYTES else data

    def kind_of(self, data: bytes) -> Kind:
        """What the file that starts with ``data`` is."""
        head = read_head(data)
        element = Head("", head.element)  # the text is not kept: there may be many files
        if head.element in DOMAIN_ELEMENTS:
            return Kind(domain=_is_libvirt(head), head=element)
        return Kind(format=recognise(head, self.formats), head=element)


def _is_libvirt(head: Head) -> bool:
    """Whether a ``<domain>`` is libvirt's: it has no namespace, and a type where it has attributes at all."""
    if head.namespace:
        return False
    plain = [name for name in head.attributes if not name.startswith("xmlns")]
    return head.element != "domain" or "type" in head.attributes or not plain


class Assigned(NamedTuple):
    """A host on which a domain has to be right; ``home`` where it is declared to be there, and takes part of it."""

    host: Host
    home: bool


class World:
    """The hosts of a run, each loaded once, and the answer to which hosts a domain is on."""

    def __init__(self, config: LoadedConfig, host_inputs: tuple[str, ...], sniffer: Sniffer) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.hosts: dict[str, Host] = {}
        self.inputs: set[str] = set()
        self._config = config
        self._sniffer = sniffer
        self._nearest = Nearest(lambda path: sniffer.kind(path).format)
        self._loaded: dict[str, Host | None] = {}
        self._absolute: dict[str, str] = {}
        self._assigned: dict[str, tuple[Assigned, ...]] = {}
        self._met: set[tuple[Keys, str]] = set()
        self._forced = self._from_option(host_inputs) if host_inputs else None
        self._option = bool(host_inputs)

    @property
    def declared(self) -> bool:
        """Whether the configuration says which domain is on which host."""
        return bool(self._config.config.hosts) and not self._option

    def hosts_of(self, path: str) -> tuple[Assigned, ...]:
        """The hosts on which the domains in the file at ``path`` have to be right, by name; none where there is none.

        What --host names; else those of the ``[hosts]`` entry and of the live-migration sets that the file meets; else
        the nearest host file. An ambiguity, or a host that cannot be read, is a problem of the run.
        """
        if path not in self._assigned:
            self._assigned[path] = self._hosts_of(path)
        return self._assigned[path]

    def _hosts_of(self, path: str) -> tuple[Assigned, ...]:
        if self.declared:
            return self._from_config(path)
        if self._option:
            host = self._forced
        else:
            folder = os.path.dirname(path) if path != STDIN else ""
            if folder not in self._absolute:
                self._absolute[folder] = os.path.abspath(folder)
            host = self._nearest_to(self._absolute[folder])
        return () if host is None else (Assigned(host, home=True),)

    def is_claimed(self, path: str) -> bool:
        """Whether the configuration says that the domains in the file at ``path`` are on a host of its own."""
        relative = self._relative(path)
        return bool(self._homes(relative) or self._sets(relative))

    def fleet(self, host: Host, claims: tuple[Claim, ...]) -> Fleet:
        """The claims on a host with what the configuration says of it."""
        config = self._config.config
        entry = config.hosts.get(host.name)
        if entry is None:
            return Fleet(host, claims)
        exclusive = tuple(map(frozenset, entry.exclusive_groups))
        return Fleet(host, claims, exclusive, config.overcommit(host.name) or OVERCOMMIT)

    def unmet(self) -> Iterator[Problem]:
        """Globs of hosts and live-migration sets that no file has met: to be asked when all files were looked at."""
        config = self._config.config
        entries: dict[Keys, list[str]] = {
            ("hosts", name, "domains"): each.domains for name, each in config.hosts.items()
        }
        entries |= {("placement", number): each.domains for number, each in enumerate(config.placement, 1)}
        for keys, globs in entries.items():
            for glob in globs:
                if (keys, glob) not in self._met:
                    yield unmet_glob(self._config, keys, glob)

    def _from_option(self, inputs: tuple[str, ...]) -> Host | None:
        entries = self._config.config.hosts
        if len(inputs) == 1 and inputs[0] in entries:
            return self._of_entry(inputs[0])
        return self._load(inputs, None)

    def _from_config(self, path: str) -> tuple[Assigned, ...]:
        relative = self._relative(path)
        homes, sets = self._homes(relative), self._sets(relative)
        if len(homes) > 1 and not any(set(homes) <= set(each) for each in sets):
            both = " and ".join(f"[hosts.{name}]" for name in homes)
            help = "let one host's globs match it, or write a [[placement]] with both if it moves between them"
            self._problem("ambiguous-host", f"{both} both claim this domain", path, help)
            return ()
        names = sorted({*homes, *(name for each in sets for name in each)})
        loaded = ((name, self._of_entry(name)) for name in names)
        return tuple(Assigned(host, name in homes) for name, host in loaded if host is not None)

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._config.folder).replace(os.sep, "/")

    def _homes(self, relative: str) -> list[str]:
        """The ``[hosts]`` entries that a file meets."""
        hosts = self._config.config.hosts.items()
        return [name for name, entry in hosts if self._meets(relative, ("hosts", name, "domains"), entry.domains)]

    def _sets(self, relative: str) -> list[list[str]]:
        """The hosts of each live-migration set that a file meets."""
        config = self._config.config
        numbered = enumerate(config.placement, 1)
        return [
            config.hosts_of(each)
            for number, each in numbered
            if self._meets(relative, ("placement", number), each.domains)
        ]

    def _meets(self, relative: str, keys: Keys, globs: list[str]) -> bool:
        met = [glob for glob in globs if matches(relative, (glob,))]
        self._met.update((keys, glob) for glob in met)
        return bool(met)

    def _of_entry(self, name: str) -> Host | None:
        """The host of an entry of the configuration, with what is declared there."""
        key = f"[hosts.{name}]"
        if key not in self._loaded:
            inputs = self._config.config.topology(name)
            here = [
                os.path.relpath(os.path.join(self._config.folder, each)) if is_path(each) else each for each in inputs
            ]
            self._loaded[key] = self._load(tuple(here), name)
        return self._loaded[key]

    def _nearest_to(self, folder: str) -> Host | None:
        """The host of the nearest host files, loaded once."""
        nearest = self._nearest.to(folder)
        if nearest is None:
            return None
        if nearest not in self._loaded:
            whole, partial = self._nearest.inputs(nearest)
            if len(whole) > 1:
                self._two_hosts(nearest, whole)
            self._loaded[nearest] = None if len(whole) > 1 else self._load((*whole, *partial), None)
        return self._loaded[nearest]

    def _two_hosts(self, folder: str, whole: tuple[str, ...]) -> None:
        first, second = (os.path.relpath(path) for path in whole[:2])
        stem = Path(first).stem.partition(".")[0]
        help = (
            f"say in {NAME} which it is:\n"
            f"[hosts.{stem}]\ntopology = [{Path(first).name!r}]  # or both, if they are of one host\n"
            'domains = ["*.xml"]'
        )
        self._problem("ambiguous-host", f"two hosts are equally near: {first} and {second}", folder, help)

    def _load(self, inputs: tuple[str, ...], name: str | None) -> Host | None:
        self.inputs.update(os.path.realpath(each) for each in inputs)
        try:
            host, warnings = load_inputs(inputs, self._sniffer.formats, name)
            host = with_declared(host, self._config)
        except LoadError as error:
            self.problems.append(host_problem(error))
            return None
        self.warnings.extend(warnings)
        self.hosts.setdefault(host.name, host)
        return host

    def _problem(self, kind: str, message: str, path: str, help: str) -> None:
        shown = path if path == STDIN else os.path.relpath(path)
        self.problems.append(Problem(kind=kind, message=message, path=shown, help=help))


def host_problem(error: LoadError) -> Problem:
    """A host that cannot be read, as a problem of the run."""
    return Problem(
        kind="unreadable-host",
        message=error.message,
        path=error.path,
        line=error.line,
        column=error.column,
        help=error.help,
    )
