"""A pin, a scheduler or a device names a thread that the domain does not have, or says what cannot be said of it.

IOThreads are numbered from 1 to `<iothreads>`, or as `<iothreadids>` lists them; vCPUs from 0. What names another is refused
when the domain is defined: "Cannot find 'iothread' : 5", "Disk iothread '7' not defined in iothreadid", "vCPU '4' is not
present in domain definition" (so is the sample of libvirt's own page on real-time guests, `vcpus='0-4'` of four). So are two
schedulers for one thread ("'vcpusched' attributes 'vcpus' must not overlap"), fifo or rr without a priority, and an IOThread
for a disk that is not on virtio ("IOThreads not available for bus sata target sda"). A priority outside 1 to 99 fails at start.
A device names one IOThread, or deals its queues to several; where it names queues, `queues` says how many there are, and each
goes to one IOThread.

Host: none

Bad:

    <domain>
      <name>nas1</name>
      <iothreads>1</iothreads>
                 - it has IOThread 1
      <cputune>
        <iothreadpin iothread='2' cpuset='3'/>
                               ^ the domain has no IOThread 2
      </cputune>
    </domain>

Bad:

    <domain>
      <name>nas1</name>
      <iothreads>1</iothreads>
      <devices>
        <disk type='block' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
                                                   ^ disk sda is on bus sata
          <source dev='/dev/sdb'/>
          <target dev='sda' bus='sata'/>
        </disk>
      </devices>
    </domain>

Bad:

    <domain>
      <name>nas1</name>
      <iothreads>2</iothreads>
      <devices>
        <disk type='block' device='disk'>
          <driver name='qemu' type='raw' queues='3'>
            <iothreads>
              <iothread id='1'>
                            ^ queue 2 has no IOThread
                <queue id='0'/>
              </iothread>
              <iothread id='2'>
                <queue id='1'/>
              </iothread>
            </iothreads>
          </driver>
          <source dev='/dev/sdb'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Bad:

    <domain>
      <name>rt3</name>
      <vcpu>4</vcpu>
            - 4 vCPUs: 0-3
      <cputune>
        <vcpusched vcpus='2-4' scheduler='fifo' priority='1'/>
                          ^^^ the domain has no vCPU 4
      </cputune>
    </domain>

Bad:

    <domain>
      <name>rt3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpusched vcpus='0-1' scheduler='rr' priority='1'/>
                          --- the first for vCPU 1
        <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>
                          ^^^ vCPU 1 a second time
      </cputune>
    </domain>

Bad:

    <domain>
      <name>rt3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpusched vcpus='2-3' scheduler='fifo' priority='100'/>
                                                          ^^^ from 1 to 99
      </cputune>
    </domain>

Good:

    <domain>
      <name>nas1</name>
      <vcpu>4</vcpu>
      <iothreads>2</iothreads>
      <cputune>
        <iothreadpin iothread='2' cpuset='3'/>
        <vcpusched vcpus='2-3' scheduler='fifo' priority='1'/>
      </cputune>
      <devices>
        <disk type='block' device='disk'>
          <driver name='qemu' type='raw' queues='4'>
            <iothreads>
              <iothread id='1'/>
              <iothread id='2'/>
            </iothreads>
          </driver>
          <source dev='/dev/sdb'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: Name a thread that there is, or raise `<iothreads>`. A SCSI disk gets its IOThread from its virtio-scsi controller:
`<driver iothread='1'/>` there.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: threads that there are not, unknown schedulers, a priority of 0 at start
- measured with libvirt 9.0.0: overlapping schedulers, a missing priority, disks that are not on virtio
- libvirt, qemuValidateDomainDeviceDefDiskIOThreads: disks
- libvirt, Domain XML format, "Hard drives, floppy disks, CDROMs" and "Controllers": how queues are given to IOThreads
- QEMU, iothread_vq_mapping_validate: each queue once, and none left out
- libvirt, Knowledge base, "KVM Real Time Guest Configuration": the sample
"""

from collections.abc import Iterator, Sequence

from numalint import (
    MOST_RELATED,
    REALTIME_POLICIES,
    TEXT,
    Category,
    Domain,
    Finding,
    IdSet,
    IOThreadUse,
    Place,
    Related,
    Scheduler,
    Severity,
    count_text,
    domain_rule,
    ids_text,
    set_text,
    union,
    written_ids_text,
)

POLICIES = ("batch", "idle", *REALTIME_POLICIES)
PRIORITIES = range(1, 100)
DISK_MAPS, CONTROLLER_MAPS = (10, 0), (11, 2)
"""The releases from which on libvirt reads which queues an IOThread serves."""

Clause = tuple[Place, str]
"""A place and what is said of it."""


@domain_rule("thread-reference-unknown", Severity.ERROR, Category.CORRECTNESS)
def check(domain: Domain) -> Iterator[Finding]:
    uses = [each for each in domain.guest.iothread_uses if _read(domain, each)] if domain.on_qemu else []
    if uses or domain.iothreadpins or domain.listed_iothreads or domain.schedulers:
        yield from _unknown_iothreads(domain, uses)
    if uses:
        yield from _on_other_buses(uses)
    if any(each.queues is not None for each in uses):
        yield from _dealt_wrongly(uses)
    if domain.schedulers:
        yield from _unknown_vcpus(domain)
        yield from _scheduled_twice(domain)
        yield from _wrong_values(domain)


def _read(domain: Domain, use: IOThreadUse) -> bool:
    """Whether libvirt reads it; ``iothread='0'`` of a controller means none."""
    if use.queues is None:
        return use.thread > 0 or use.user.startswith("disk")
    return domain.libvirt >= (DISK_MAPS if use.user.startswith("disk") else CONTROLLER_MAPS)


def _said(at: Sequence[Clause], message: str, why: str, help: str, **data: str | int) -> Finding:
    (place, label), *others = at
    related = tuple(Related(other, clause) for other, clause in others[:MOST_RELATED])
    return Finding(place, message, label, related=related, why=f"libvirt refuses {why}", help=help, data=data)


def _unknown_iothreads(domain: Domain, uses: list[IOThreadUse]) -> Iterator[Finding]:
    exist = {each for each in domain.iothreads if each}
    named = {use.thread for use in uses}.union(domain.iothreadpins, (each.id for each in domain.listed_iothreads))
    if named <= exist and not domain.schedulers:
        return
    strange = [(ids - exist, who, place, why) for ids, who, place, why in _iothreads_named(domain, uses) if ids - exist]
    if not strange:
        return
    unknown, (ids, who, _, why) = set().union(*(each[0] for each in strange)), strange[0]
    has = written_ids_text("IOThread", exist) if exist else "no IOThreads"
    (first, *others) = [
        (place, f"the domain has no {written_ids_text('IOThread', ids)}") for ids, _, place, _ in strange
    ]
    counted = domain.iothreads_place
    defined = [] if counted is None else [(counted.at(TEXT), f"it has {has}")]
    more = f"{who} and {len(strange) - 1} more name" if others else f"{who} names"
    yield _said(
        [first, *defined, *others],
        f"{more} {written_ids_text('IOThread', unknown)}, but the domain has {has}",
        f"to define it: {why.format(min(ids))}",
        _enough_iothreads(domain, max(unknown), has if exist else ""),
        unknown=written_ids_text("IOThread", unknown),
        iothreads=len(exist),
    )


def _enough_iothreads(domain: Domain, wanted: int, has: str) -> str:
    if not wanted:
        return f"IOThreads are numbered from 1{f': name {has}' if has else ''}"
    add = f"add <iothreads>{wanted}</iothreads>" if domain.iothreads_place is None else f"raise <iothreads> to {wanted}"
    if domain.listed_iothreads:
        add = f"add <iothread id='{wanted}'/> to <iothreadids>"
    return f"name {has}, or {add}" if has else add


def _iothreads_named(domain: Domain, uses: list[IOThreadUse]) -> Iterator[tuple[set[int], str, Place, str]]:
    """The IOThreads that something names, what does so, where, and how libvirt puts it that there is none."""
    for pin in domain.pins:
        if pin.thread == "iothread" and pin.id is not None:
            yield {pin.id}, "iothreadpin", pin.pin.place.at("iothread"), "Cannot find 'iothread' : {}"
    for each in domain.schedulers:
        if each.thread == "iothread":
            yield set(each.ids), "iothreadsched", each.place.at("iothreads"), "Cannot find 'iothread' : {}"
    for use in uses:
        yield {use.thread}, use.user, use.place, use.user.split()[0] + " iothread '{}' not defined in iothreadid"
    for listed in domain.listed_iothreads:
        yield {listed.id}, "<iothreadids>", listed.place.at("id"), "zero is not permitted"


def _on_other_buses(uses: list[IOThreadUse]) -> Iterator[Finding]:
    wrong = [each for each in uses if each.bus not in (None, "virtio")]
    if not wrong:
        return
    first, one = wrong[0], len(wrong) == 1
    yield _said(
        [(each.place, f"{each.user} is on bus {each.bus}") for each in wrong],
        f"{first.user}{' has' if one else f' and {len(wrong) - 1} more have'} an IOThread, but not the bus virtio",
        f"to define it: IOThreads not available for bus {first.bus} target {first.user.removeprefix('disk ')}",
        "put it on bus='virtio'; or on bus='scsi', with <driver iothread='...'/> in a virtio-scsi <controller>",
        disks=len(wrong),
        bus=first.bus or "",
    )


def _dealt_wrongly(uses: list[IOThreadUse]) -> Iterator[Finding]:
    """Devices that name both one IOThread and several, or whose queues do not each go to one of these."""
    of_device: dict[Place | None, list[IOThreadUse]] = {}
    for each in uses:
        of_device.setdefault(each.driver, []).append(each)
    for group in of_device.values():
        user = group[0].user
        maps = [each for each in group if each.queues is not None]
        if maps and len(maps) < len(group):
            yield _said(
                [(group[0].place, "one IOThread for all its queues"), (maps[0].place, "the first of several")],
                f"{user} has an iothread and <iothreads>",
                "to define it: the one excludes the other",
                "delete the iothread attribute, or <iothreads>",
                device=user,
            )
            continue
        flaw = _flaw_of_maps(maps) if maps else None
        if flaw is not None:
            yield _said(
                [flaw],
                f"{user} deals its queues to {count_text(len(maps), 'IOThread')}, but {flaw[1]}",
                "it, or QEMU does: where queues are named, each of those that the device has goes to one IOThread",
                "leave out every <queue>, and they are dealt out in turn; or name each, from 0 to one less than queues='...'",
                device=user,
            )


def _flaw_of_maps(maps: list[IOThreadUse]) -> Clause | None:
    seen: set[int] = set()
    mapped: set[int] = set()
    for each in maps:
        queues = each.queues or ()
        if each.thread in seen:
            return each.place, f"IOThread {each.thread} stands there twice"
        if len({*queues}) < len(queues) or mapped & {*queues}:
            return each.place, "a queue goes to two of them"
        seen.add(each.thread)
        mapped.update(queues)
    idle = next((each for each in maps if not each.queues), None)
    if mapped and idle is not None:
        return idle.place, f"IOThread {idle.thread} gets none"
    return _flaw_of_queues(maps[0], mapped) if mapped else None


def _flaw_of_queues(first: IOThreadUse, mapped: set[int]) -> Clause | None:
    if first.of is None:
        return first.place, "<driver> has no queues='...'"
    if max(mapped) >= first.of:
        return first.place, f"there is no queue {max(mapped)}"
    missing = next((number for number in range(first.of) if number not in mapped), None)
    return None if missing is None else (first.place, f"queue {missing} has no IOThread")


def _unknown_vcpus(domain: Domain) -> Iterator[Finding]:
    strange = [each for each in domain.schedulers if each.thread == "vcpu" and each.ids.mask >> domain.maximum]
    if not strange:
        return
    exist: IdSet[int] = IdSet((1 << domain.maximum) - 1)
    unknown, has = union(each.ids for each in strange) - exist, count_text(domain.maximum, "vCPU")
    (first, *others) = [
        (each.place.at("vcpus"), f"the domain has no {ids_text('vCPU', each.ids - exist)}") for each in strange
    ]
    counted = domain.vcpu_place
    defined = [] if counted is None else [(counted.at(TEXT), f"{has}: {set_text(exist)}")]
    yield _said(
        [first, *defined, *others],
        f"vcpusched names {ids_text('vCPU', unknown)}, but the domain has {has}",
        f"to define it: vCPU '{next(iter(unknown))}' is not present in domain definition",
        f"vCPUs are numbered from 0: write vcpus='{set_text(strange[0].ids & exist or exist)}'",
        unknown=str(unknown),
        maximum=domain.maximum,
    )


def _scheduled_twice(domain: Domain) -> Iterator[Finding]:
    for thread, noun in (("vcpu", "vCPU"), ("iothread", "IOThread"), ("emulator", "the emulator")):
        mine = [each for each in domain.schedulers if each.thread == thread]
        if len(mine) < 2 or (thread != "emulator" and sum(len(each.ids) for each in mine) == len(_all_of(mine))):
            continue
        pairs = ((one, two) for number, two in enumerate(mine) for one in mine[:number])
        first, later = next(pair for pair in pairs if pair[0].ids & pair[1].ids or thread == "emulator")
        both = first.ids & later.ids
        who = ids_text(noun, both) if both else noun
        overlap = f"'{thread}sched' attributes '{thread}s' must not overlap"
        yield _said(
            [(_threads_place(later), f"{who} a second time"), (_threads_place(first), f"the first for {who}")],
            f"{who} {'has' if len(both) < 2 else 'have'} more than one {thread}sched",
            f"to define it: {overlap if both else 'only one emulatorsched is supported'}",
            "name each thread in one of them",
            thread=thread,
            ids=str(both),
        )


def _all_of(schedulers: list[Scheduler]) -> IdSet[int]:
    return union(each.ids for each in schedulers)


def _threads_place(scheduler: Scheduler) -> Place:
    """Where the threads are named; an emulatorsched names none."""
    return scheduler.place.at(f"{scheduler.thread}s") if scheduler.ids else scheduler.place


def _wrong_values(domain: Domain) -> Iterator[Finding]:
    alike: dict[tuple[str, str, str, str], list[Scheduler]] = {}
    for each in domain.schedulers:
        flaw = _flaw_of_values(domain, each)
        if flaw is not None:
            alike.setdefault((f"{each.thread}sched", *flaw), []).append(each)
    for (tag, attribute, right, wrong), group in alike.items():
        yield _said(
            [(each.place.at(attribute), right) for each in group],
            f"{tag} has {wrong}",
            "to start it" if attribute == "priority" and group[0].priority is not None else "to define it",
            f"write priority='1', or another {right}" if attribute == "priority" else f"write {right}",
            element=tag,
            policy=group[0].policy,
        )


def _flaw_of_values(domain: Domain, each: Scheduler) -> tuple[str, str, str] | None:
    """The attribute that is wrong, what it may be, and what it is."""
    if each.policy not in POLICIES:
        what = f"scheduler='{each.policy}', which libvirt does not know" if each.policy else "no scheduler"
        return "scheduler", f"{', '.join(POLICIES[:-1])} or {POLICIES[-1]}", what
    if each.policy not in REALTIME_POLICIES:
        return None  # a priority is ignored
    if each.priority is None:
        return "priority", "from 1 to 99", f"scheduler='{each.policy}' and no priority"
    waits = each.thread == "vcpu" and not each.ids.mask & domain.online.mask
    if each.priority in PRIORITIES or waits:
        return None
    return "priority", "from 1 to 99", f"priority='{each.priority}', outside 1 to 99"
