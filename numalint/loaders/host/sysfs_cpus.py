"""The CPUs that sysfs states: which are online, offline and isolated, their cores, sockets, L3 caches and kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from numalint.loaders.host.sysfs_values import Values
from numalint.loaders.host.tree import CPU_FOLDER
from numalint.loaders.host.values import LARGEST_CPU
from numalint.model.host import L3
from numalint.model.idset import HostCpu, HostCpus, IdSet, NotationError

_INTEL_KINDS = {"performance": "cpu_core", "efficiency": "cpu_atom", "low-power": "cpu_lowpower"}
"""The folders in which the kernel lists the CPUs of each kind of an Intel hybrid."""

_ISOLATION_FLAGS = ("nohz", "domain", "managed_irq")
_LARGEST_CACHE_INDEX = 99


class Cpus(msgspec.Struct, frozen=True):
    """Which CPUs there are; ``offline`` are those that are present and off. None where no file tells."""

    online: HostCpus
    offline: HostCpus | None
    isolated: HostCpus | None


def read_cpus(values: Values, notes: list[str]) -> Cpus:
    """The CPUs of the host. Raises LoadError where none is online."""
    folders: HostCpus = IdSet.of(map(HostCpu, values.ids(CPU_FOLDER, "cpu", LARGEST_CPU)))
    listed = values.cpus(f"{CPU_FOLDER}/present")
    present = folders if listed is None else listed
    online, offline = _online_and_offline(values, present, folders)
    cut: HostCpus = online - folders if folders else IdSet()
    if cut:
        notes.append(f"CPUs {cut} are online but have no folder in this copy of sysfs: left out")
    if not online - cut:
        values.tree.refuse(CPU_FOLDER, "names no CPU that is online")
    return Cpus(online - cut, offline, _isolated(values, present, notes))


def _online_and_offline(values: Values, present: HostCpus, folders: HostCpus) -> tuple[HostCpus, HostCpus | None]:
    """The CPUs of ``present`` that are online, and those that are not.

    The kernel's list of offline CPUs goes on to those that it could have: only the present ones count. Old kernels
    have a flag for each CPU, which is missing where a CPU cannot be switched off.
    """
    listed = values.cpus(f"{CPU_FOLDER}/online")
    if listed is not None:
        off = values.cpus(f"{CPU_FOLDER}/offline")
        return listed & present, (present if off is None else off & present) - listed
    flags = {cpu: values.number(f"{CPU_FOLDER}/cpu{cpu}/online") for cpu in folders}
    offline: HostCpus = IdSet.of(cpu for cpu, flag in flags.items() if flag == 0) & present
    known = any(flag is not None for flag in flags.values())
    return present - offline, offline if known else None


def _isolated(values: Values, present: HostCpus, notes: list[str]) -> HostCpus | None:
    """The CPUs that the scheduler leaves alone; kernels before 4.2 say so only by their command line."""
    listed = values.cpus(f"{CPU_FOLDER}/isolated")
    if listed is not None:
        return listed & present
    line = values.text("proc/cmdline")
    if line is None:
        return None
    value = next((word.removeprefix("isolcpus=") for word in line.split() if word.startswith("isolcpus=")), None)
    if value is None:
        return IdSet()
    flags = [term for term in value.split(",") if term in _ISOLATION_FLAGS]
    if flags and "domain" not in flags:  # only the tick or the interrupts are kept off
        return IdSet()
    try:
        return HostCpus.parse(",".join(term for term in value.split(",") if term not in _ISOLATION_FLAGS)) & present
    except NotationError:
        notes.append(f"isolcpus={value[:40]!r} of the kernel's command line is not understood: isolated is not known")
        return None


def read_cores(values: Values, online: HostCpus, notes: list[str]) -> tuple[HostCpus, ...] | None:
    """The sets of SMT siblings, None where some CPU does not say: a core_id repeats and is no core."""
    said: dict[HostCpus, int] = defaultdict(int)
    for cpu in online:
        folder = f"{CPU_FOLDER}/cpu{cpu}/topology"
        siblings = values.set_of_cpus(
            *(f"{folder}/{name}" for name in ("thread_siblings_list", "core_cpus_list", "thread_siblings", "core_cpus"))
        )
        if siblings is None:
            return None
        said[siblings & online] |= 1 << cpu
    if any(core.mask != cpus for core, cpus in said.items()):
        notes.append("the thread siblings of its CPUs contradict each other: cores are not known")
        return None
    return _in_order(said)


def read_sockets(values: Values, online: HostCpus) -> tuple[HostCpus, ...] | None:
    """The CPUs of each package, None where some CPU does not say; a package's id is a label of the firmware."""
    sockets: dict[int, int] = defaultdict(int)
    for cpu in online:
        package = values.number(f"{CPU_FOLDER}/cpu{cpu}/topology/physical_package_id", smallest=-1)
        if package is None or package < 0:
            return None
        sockets[package] |= 1 << cpu
    return _in_order(IdSet(mask) for mask in sockets.values())


def _in_order(sets: Iterable[HostCpus]) -> tuple[HostCpus, ...]:
    return tuple(sorted(sets, key=lambda cpus: cpus.mask & -cpus.mask))


def read_l3(values: Values, online: HostCpus) -> tuple[L3, ...] | None:
    """The level 3 caches, each once: the CPUs that share one are not asked again.

    None listed is none known, for a kernel lists those that firmware or hypervisor describe.
    """
    caches: list[L3] = []
    rest = online
    while rest:
        cpu = next(iter(rest))
        cache = _l3_of(values, cpu, online)
        if cache is not None:
            caches.append(cache)
            rest -= cache.cpus
        rest -= IdSet(1 << cpu)
    return tuple(caches) or None


def _l3_of(values: Values, cpu: HostCpu, online: HostCpus) -> L3 | None:
    folder = f"{CPU_FOLDER}/cpu{cpu}/cache"
    for number in reversed(values.ids(folder, "index", _LARGEST_CACHE_INDEX)):  # it is mostly the last
        index = f"{folder}/index{number}"
        if values.number(f"{index}/level") == 3 and values.text(f"{index}/type") != "Instruction":
            shared = values.set_of_cpus(f"{index}/shared_cpu_list", f"{index}/shared_cpu_map")
            if shared is not None:  # kernels of the ia64 leave out the CPU itself
                return L3(shared & online | IdSet(1 << cpu), values.size(f"{index}/size"))
    return None


def read_kinds(values: Values, online: HostCpus) -> dict[str, HostCpus] | None:
    """The CPUs of each kind, None where they are all of one: Intel's hybrids, or Arm's by capacity."""
    kinds: dict[str, HostCpus] = {}
    for kind, folder in _INTEL_KINDS.items():
        cpus = (values.cpus(f"sys/devices/{folder}/cpus") or IdSet()) & online
        if cpus:
            kinds[kind] = cpus
    return _several(kinds) or _several(_capacities(values, online))


def _capacities(values: Values, online: HostCpus) -> dict[str, HostCpus]:
    """The CPUs of each capacity, of which the largest is 1024; none where a CPU does not say."""
    found: dict[int, int] = defaultdict(int)
    for cpu in online:
        capacity = values.number(f"{CPU_FOLDER}/cpu{cpu}/cpu_capacity")
        if capacity is None:
            return {}
        found[capacity] |= 1 << cpu
    return {f"capacity-{capacity}": IdSet(mask) for capacity, mask in sorted(found.items(), reverse=True)}


def _several(kinds: dict[str, HostCpus]) -> dict[str, HostCpus] | None:
    return kinds if len(kinds) > 1 else None
