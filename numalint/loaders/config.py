"""numalint.toml: which hosts there are, which domains are on them, and what to look for.

Globs and paths are relative to the folder of the file that has them. Globs are as in .gitignore.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, field

from numalint.loaders.sizes import size_bytes
from numalint.model.finding import Severity
from numalint.model.idset import HostCpus, HostNode, IdSet
from numalint.model.place import Place

FORMAT = "format"
GLOB, PATH, INPUT = "numalint-glob", "numalint-path", "numalint-input"
"""Formats in the schema: what is relative to the file that has it, and written anew when another file extends that."""

Glob = Annotated[str, Meta(min_length=1, extra_json_schema={FORMAT: GLOB})]
FilePath = Annotated[str, Meta(min_length=1, extra_json_schema={FORMAT: PATH})]
Input = Annotated[str, Meta(min_length=1, extra_json_schema={FORMAT: INPUT})]
Rules = list[str]
"""Names of rules and categories, or ``all``."""


class ConfigTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the configuration: what it does not know is an error."""


class HostPolicy(ConfigTable, frozen=True):
    """What can be said of one host, or of all hosts of a class."""

    topology: Annotated[
        Input | list[Input] | None,
        Meta(
            description="The input that describes the host, or several that do so together: files, folders, a string."
        ),
    ] = None
    housekeeping_cpus: Annotated[
        str | None, Meta(description="The CPUs that are kept for the host, such as '0-1,16-17'; '' for none.")
    ] = None
    reserved_memory: Annotated[
        str | dict[str, str] | None,
        Meta(
            description="The memory of each node that is kept for the host, such as '2 GiB', or by node: { 0 = '4 GiB' }."
        ),
    ] = None
    overcommit: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="How many vCPUs that share CPUs are meant for each of these; 3 where it is not said."),
    ] = None

    @property
    def inputs(self) -> list[str]:
        return [self.topology] if isinstance(self.topology, str) else self.topology or []

    @property
    def housekeeping(self) -> HostCpus | None:
        """The CPUs that are kept for the host. Raises NotationError."""
        text = self.housekeeping_cpus
        return None if text is None else IdSet.parse(text) if text.strip() else IdSet()

    @property
    def reserved_bytes(self) -> dict[HostNode | None, int]:
        """The memory that is kept, by node; under None that of each node which is not named. Raises ValueError."""
        said = self.reserved_memory or {}
        if isinstance(said, str):
            return {None: size_bytes(said)}
        if odd := [key for key in said if not key.isdecimal()]:
            raise ValueError(f"{odd[0]!r} is no number of a node")
        return {HostNode(int(key)): size_bytes(text) for key, text in said.items()}


class ClassEntry(HostPolicy, frozen=True):
    """``[classes.NAME]``: what all hosts of a class have in common. What a host says itself wins."""


class HostEntry(HostPolicy, frozen=True):
    """``[hosts.NAME]``: a host: the inputs that describe it, and the domains that are on it."""

    domains: Annotated[
        list[Glob], Meta(description="Globs, as in .gitignore, of the files of the domains that are on this host.")
    ] = []
    class_: Annotated[str | None, Meta(description="Its class, which says what is not said here.")] = field(
        default=None, name="class"
    )
    exclusive_groups: Annotated[
        list[list[str]],
        Meta(
            description="Lists of domains, by name, of which never two run at a time, such as variants of one desktop."
        ),
    ] = []


class PlacementEntry(ConfigTable, frozen=True):
    """``[[placement]]``: a live-migration set: each of these domains has to be right on each of these hosts."""

    domains: Annotated[list[Glob], Meta(min_length=1, description="Globs of the files of the domains.")]
    hosts: Annotated[list[str], Meta(description="The hosts, by name.")] = []
    class_: Annotated[str | None, Meta(description="All hosts of this class.")] = field(default=None, name="class")


class Lint(ConfigTable, frozen=True):
    """``[lint]``: the rules to run, how grave they are, and when a run fails."""

    select: Annotated[
        Rules | None, Meta(description="The rules and categories to judge by, or all, in place of the default ones.")
    ] = None
    extend_select: Annotated[Rules, Meta(description="Rules and categories on top of the default ones.")] = []
    ignore: Annotated[Rules, Meta(description="Rules and categories to leave out.")] = []
    severity: Annotated[
        dict[str, Severity], Meta(description="The severity of a rule, or of those of a category, in place of its own.")
    ] = {}
    fail_on: Annotated[Severity, Meta(description="The mildest severity that makes the exit code 1.")] = (
        Severity.WARNING
    )
    target_libvirt: Annotated[
        str | None, Meta(description="The release of libvirt to judge for, such as '9.0'; the newest known.")
    ] = None
    unsuppressible: Annotated[
        Rules, Meta(description="Rules and categories whose findings no suppression covers.")
    ] = []


class Condition(ConfigTable, frozen=True):
    """Which findings an entry is about: those that meet all of the globs that are there."""

    path: Annotated[Glob | None, Meta(description="A glob on the domain's file.")] = None
    domain: Annotated[str | None, Meta(description="A glob on the domain's name.")] = None
    host: Annotated[str | None, Meta(description="A glob on the host's name.")] = None


class Override(Condition, frozen=True):
    """``[[overrides]]``: other rules, or other severities, for some files, domains or hosts; the later entry wins."""

    class_: Annotated[str | None, Meta(description="A glob on the class of the host.")] = field(
        default=None, name="class"
    )
    extend_select: Annotated[Rules, Meta(description="Rules and categories on top of the others.")] = []
    ignore: Annotated[Rules, Meta(description="Rules and categories to leave out.")] = []
    severity: Annotated[
        dict[str, Severity], Meta(description="The severity of a rule, or of those of a category, in place of its own.")
    ] = {}


class IgnoreEntry(Condition, frozen=True, kw_only=True):
    """``[[ignore]]``: a suppression for files that nobody may edit."""

    rules: Annotated[list[str], Meta(description="The rules whose findings it covers.")]
    reason: Annotated[str, Meta(description="Why the findings are accepted.")]
    until: Annotated[date | None, Meta(description="The last day on which it holds (UTC).")] = None
    owner: Annotated[str | None, Meta(description="Who answers for it.")] = None


class Config(ConfigTable, frozen=True):
    """A whole configuration of numalint."""

    extend: Annotated[
        FilePath | list[FilePath] | None,
        Meta(description="The configuration, or several, that this one adds to. What is written here wins."),
    ] = None
    hosts: Annotated[dict[str, HostEntry], Meta(description="The hosts, by the name that findings call them.")] = {}
    classes: Annotated[dict[str, ClassEntry], Meta(description="The classes of hosts, by name.")] = {}
    placement: Annotated[list[PlacementEntry], Meta(description="Live-migration sets.")] = []
    lint: Annotated[Lint, Meta(description="The rules to run.")] = Lint()
    overrides: Annotated[list[Override], Meta(description="Other rules for some files, domains or hosts.")] = []
    ignore: Annotated[list[IgnoreEntry], Meta(description="Suppressions for files that nobody may edit.")] = []
    exclude: Annotated[
        list[Glob],
        Meta(description="Globs, as in .gitignore, of files and folders that are not looked at, such as templates."),
    ] = []
    rules: Annotated[
        list[FilePath], Meta(description="Python files and folders with rules of one's own: code that is run.")
    ] = []
    baseline: Annotated[
        FilePath | None, Meta(description="The file of findings that were there before numalint was.")
    ] = None

    def topology(self, name: str) -> list[str]:
        """The inputs of a host, its own or those of its class."""
        return next((each.inputs for each in self._said_of(name) if each.inputs), [])

    def housekeeping(self, name: str) -> HostCpus | None:
        """The CPUs of a host that are declared to be kept for it."""
        return next((each.housekeeping for each in self._said_of(name) if each.housekeeping is not None), None)

    def reserved_bytes(self, name: str) -> dict[HostNode | None, int]:
        """The memory of a host that is declared to be kept for it, by node."""
        return next((each.reserved_bytes for each in self._said_of(name) if each.reserved_memory is not None), {})

    def overcommit(self, name: str) -> float | None:
        """How many vCPUs that share CPUs are meant for each of these on a host."""
        return next((each.overcommit for each in self._said_of(name) if each.overcommit is not None), None)

    def _said_of(self, name: str) -> list[HostPolicy]:
        """What is said of a host: by itself, then by its class."""
        said = (self.hosts.get(name), self.class_of(name))
        return [each for each in said if each is not None]

    def class_of(self, name: str) -> ClassEntry | None:
        entry = self.hosts.get(name)
        return None if entry is None or entry.class_ is None else self.classes.get(entry.class_)

    def hosts_of(self, entry: PlacementEntry) -> list[str]:
        """The hosts of a live-migration set, by name."""
        of_class = [name for name, host in self.hosts.items() if entry.class_ and host.class_ == entry.class_]
        return sorted({*entry.hosts, *of_class})


Keys = tuple[str | int, ...]
"""Where a value is in a configuration: its keys, and the number (from 1) of a table in an array of them."""


class LoadedConfig(msgspec.Struct, frozen=True):
    """A configuration with the folder that its paths are relative to; without a file, the defaults.

    ``places`` has the place of each value that is written, by its keys; those of an array of tables stand for all
    that is in the table. ``folders`` are those of all files that it is made of.
    """

    config: Config
    folder: str
    path: str | None = None
    places: dict[Keys, Place] = {}
    folders: tuple[str, ...] = ()
