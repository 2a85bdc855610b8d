"""More IOThreads share some CPUs than these can run.

An IOThread polls for requests before it sleeps, so that one busy disk can keep a whole CPU. Several on one CPU wait for each other, and
while one polls the others do not run: the disks are slower than with a single IOThread for all. libvirt's manual says that there
should be only one or two IOThreads per host CPU, and that several disks may share one.

Host: none

Bad:

    <domain>
      <name>db10</name>
      <vcpu>2</vcpu>
      <iothreads>3</iothreads>
      <cputune>
        <iothreadpin iothread='1' cpuset='4'/>
                                          ^ IOThreads 1-3 have CPU 4
        <iothreadpin iothread='2' cpuset='4'/>
        <iothreadpin iothread='3' cpuset='4'/>
      </cputune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <target dev='vda' bus='virtio'/>
        </disk>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='2'/>
          <target dev='vdb' bus='virtio'/>
        </disk>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='3'/>
          <target dev='vdc' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>db10</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <iothreadpin iothread='1' cpuset='4'/>
      </cputune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <target dev='vda' bus='virtio'/>
        </disk>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <target dev='vdb' bus='virtio'/>
        </disk>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <target dev='vdc' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: Fewer IOThreads that several disks share, or more CPUs for them.

When to ignore it: Only a few of the disks are busy at a time.

Sources:
- libvirt, Domain XML format, IOThreads allocation: "There should be only 1 or 2 IOThreads per host CPU"
- libvirt, Domain XML format, iothreadids: poll
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Finding,
    HostCpus,
    IdSet,
    Placement,
    Severity,
    Trait,
    cpus_text,
    ids_text,
    placement_rule,
)

MOST_PER_CPU = 2
"""What libvirt's manual says."""


@placement_rule("iothreads-too-many", Severity.NOTE, Category.THREADS, when=Trait.IOTHREADS)
def check(placement: Placement) -> Iterator[Finding]:
    if len(placement.domain.iothreads) <= MOST_PER_CPU:
        return
    sets = {thread: its.cpus for thread, its in placement.used_iothreads.items() if its.cpus}
    if len(sets) <= MOST_PER_CPU:
        return
    crowds = [(cpus, _inside(sets, cpus)) for cpus in dict.fromkeys(sets.values())]
    cpus, threads = max(crowds, key=lambda crowd: len(crowd[1]) / len(crowd[0]))
    if len(threads) <= MOST_PER_CPU * len(cpus):
        return
    of = f" of {placement.host.name}" if placement.host.name else ""
    first = min(threads)
    pin = placement.iothreads[first].pin
    where = cpus_text(cpus) if len(cpus) == 1 else f"CPUs {cpus_text(cpus)}"
    yield Finding(
        place=placement.domain.iothread_place(first) if pin is None else pin.place.at("cpuset"),
        message=f"{len(threads)} IOThreads share {where}{of}, more than {MOST_PER_CPU} a CPU",
        label=f"{ids_text('IOThread', threads)} have {ids_text('CPU', cpus)}",
        why="an IOThread polls before it sleeps, and while one does the others do not run",
        help=f"let several disks share an IOThread: no more than {MOST_PER_CPU * len(cpus)} on {ids_text('CPU', cpus)}",
        data={"iothreads": str(threads), "cpus": str(cpus)},
    )


def _inside(sets: dict[int, HostCpus], cpus: HostCpus) -> IdSet[int]:
    """The IOThreads that have no other CPUs."""
    return IdSet.of(thread for thread, own in sets.items() if own <= cpus)
