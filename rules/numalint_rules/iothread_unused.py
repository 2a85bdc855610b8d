"""An IOThread is defined, and no disk uses it.

`<iothreads>` only makes threads. A disk is served by one where its `<driver>`, or the `<driver>` of its virtio-scsi controller, names
it by `iothread=`; all others stay with the emulator's main loop. libvirt takes an IOThread without a disk in silence, and a pin for it
too: the domain looks tuned, and the disk is served as before.

Host: none

Bad:

    <domain>
      <name>win8</name>
      <iothreads>1</iothreads>
                 ^ no disk names it
      <devices>
        <disk type='file' device='disk'>
         ---- disk vda has no IOThread
          <driver name='qemu' type='raw'/>
          <source file='/srv/win8.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Bad:

    <domain>
      <name>win8</name>
      <iothreads>2</iothreads>
      <iothreadids>
        <iothread id='1'/>
        <iothread id='4'/>
                      ^ no disk names it
      </iothreadids>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/win8.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>win8</name>
      <iothreads>1</iothreads>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/win8.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: `iothread='1'` in the `<driver>` of a virtio disk or of a virtio-scsi controller; or as many `<iothreads>` as are used.

When to ignore it: The disk is plugged in later, or the IOThread is handed over by `<qemu:commandline>`.

Sources:
- libvirt, Domain XML format, IOThreads allocation, and the driver element of disks
- tried with libvirt 9.0.0: an IOThread that nothing uses is accepted in silence
"""

import itertools
from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Disk,
    Domain,
    Finding,
    IdSet,
    Related,
    Scheduler,
    Severity,
    Trait,
    domain_rule,
    ids_text,
    set_text,
)


@domain_rule("iothread-unused", Severity.NOTE, Category.THREADS, when=Trait.IOTHREADS)
def check(domain: Domain) -> Iterator[Finding]:
    used = {use.thread for use in domain.guest.iothread_uses}
    unused = [thread for thread in domain.iothreads if thread not in used]
    if not unused:
        return
    threads, one = IdSet.of(unused), len(unused) == 1
    could = [disk for disk in domain.guest.disks if _could(disk)]
    yield Finding(
        place=domain.iothread_place(unused[0]),
        message=_message(len(domain.iothreads), threads),
        label=f"no disk names {'it' if one else 'them'}",
        related=tuple(Related(disk.place, f"disk {disk.target} has no IOThread") for disk in could[:MOST_RELATED]),
        why=f"{'it serves' if one else 'they serve'} nothing: disks that name no IOThread stay with the emulator's main loop",
        help=f"write iothread='{unused[0]}' in the <driver> of disk {could[0].target}"
        if could
        else f"{_fewer(domain, threads)}; or give {'it' if one else 'them'} a disk",
        data={"iothreads": str(threads)},
    )


def _message(count: int, unused: IdSet[int]) -> str:
    if count == len(unused):
        return "its IOThread serves no disk" if count == 1 else f"none of its {count} IOThreads serves a disk"
    which = set_text(unused)
    return f"{len(unused)} of its {count} IOThreads {'serves' if len(unused) == 1 else 'serve'} no disk: {which}"


def _fewer(domain: Domain, unused: IdSet[int]) -> str:
    """What leaves only the IOThreads that are used: libvirt makes those that are listed, and fills up from 1."""
    used = IdSet.of(domain.iothreads) - unused
    listed = IdSet.of(each.id for each in domain.listed_iothreads)
    told = unused & IdSet.of([*domain.iothreadpins, *(id for each in domain.schedulers for id in _iothreads(each))])
    tuned = f", delete what <cputune> says of {ids_text('IOThread', told)}" if told else ""
    if not used:
        return f"leave <iothreads>{' and <iothreadids>' if listed else ''} out{tuned}"
    free = (id for id in itertools.count(1) if id not in listed)
    made = used & listed | IdSet.of(itertools.islice(free, len(used - listed)))
    ids = f", list only {set_text(used)} in <iothreadids>" if unused & listed or made != used else ""
    return f"write <iothreads>{len(used)}</iothreads>{ids}{tuned}"


def _iothreads(scheduler: Scheduler) -> IdSet[int]:
    return scheduler.ids if scheduler.thread == "iothread" else IdSet()


def _could(disk: Disk) -> bool:
    """Whether a disk could have an IOThread of its own, and has none."""
    served = disk.threads or disk.type in ("vhostuser", "vhostvdpa")
    return disk.bus == "virtio" and not served
