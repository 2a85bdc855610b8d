"""A device is served by another process, but the guest's memory is not shared with it.

A vhost-user interface or disk (OVS-DPDK, SPDK) and virtiofs are served by a process that maps the guest's memory. Guest memory is
private unless `<memoryBacking>` says `<access mode='shared'/>`, or each NUMA cell says `memAccess='shared'`; a memfd or huge pages
alone do not share it. libvirt refuses to define the domain ("'virtiofs' requires shared memory"). libvirt 9.0.0 still took
the interface: it starts, and no packet passes. For a release before 11.3 an interface is therefore a warning.

Bad:

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages/>
      </memoryBacking>
      <devices>
        <interface type='vhostuser'>
         ^^^^^^^^^ its backend maps the guest's memory
          <source type='unix' path='/run/openvswitch/vhost0' mode='server'/>
          <model type='virtio'/>
        </interface>
      </devices>
    </domain>

Bad:

    <domain>
      <name>vnf1</name>
      <vcpu>2</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='1' unit='GiB' memAccess='shared'/>
          <cell id='1' cpus='1' memory='1' unit='GiB' memAccess='private'/>
                                                                 ------- cell 1 is private
        </numa>
      </cpu>
      <devices>
        <filesystem type='mount'>
         ^^^^^^^^^^ its backend maps the guest's memory
          <driver type='virtiofs'/>
          <source dir='/srv/images'/>
          <target dir='images'/>
        </filesystem>
      </devices>
    </domain>

Good:

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages/>
        <access mode='shared'/>
      </memoryBacking>
      <devices>
        <interface type='vhostuser'>
          <source type='unix' path='/run/openvswitch/vhost0' mode='server'/>
          <model type='virtio'/>
        </interface>
      </devices>
    </domain>

Fix: `<access mode='shared'/>` in `<memoryBacking>`, with `<source type='memfd'/>` where there are no huge pages.

When to ignore it: Never.

Sources:
- libvirt, qemuValidateDomainDefVhostUserRequireSharedMemory
- measured with libvirt 9.0.0: it takes a vhost-user interface without shared memory
- libvirt, "Sharing files with Virtiofs"
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Cell,
    Domain,
    Finding,
    IdSet,
    Related,
    Release,
    Severity,
    Trait,
    domain_rule,
    ids_text,
)

INTERFACE_REFUSED = Release(11, 3)
"""The first release that is known to refuse an interface; 9.0 is known to take it."""


@domain_rule("vhostuser-private-memory", Severity.ERROR, Category.CORRECTNESS, when=Trait.SHARED_MEMORY)
def check(domain: Domain) -> Iterator[Finding]:
    users, shared = domain.guest.shared_memory, domain.backing.access == "shared"
    private = [cell for cell in domain.cells if not (shared if cell.shared is None else cell.shared)]
    if not users or not domain.on_qemu or (not private if domain.cells else shared):
        return
    refused = domain.libvirt >= INTERFACE_REFUSED or any("interface" not in user.what for user in users)
    first = users[0]
    others = tuple(Related(user.place, f"so does that of this {user.what}") for user in users[1 : 1 + MOST_RELATED])
    yield Finding(
        place=first.place,
        message=f"{_what(domain)} served by another process, but {_whose(domain, private)} is private",
        label="its backend maps the guest's memory",
        severity=None if refused else Severity.WARNING,
        related=(*others, *_told(private)),
        why=f"libvirt refuses to define it: '{first.what.split()[-1]}' requires shared memory"
        if refused
        else "it starts, but the backend cannot map the guest's memory, and nothing passes",
        help=_help(domain),
        data={"devices": len(users)},
    )


def _what(domain: Domain) -> str:
    users = domain.guest.shared_memory
    kind = " ".join(reversed(users[0].what.split()))  # "vhostuser interface"
    return f"its {kind} is" if len(users) == 1 else f"{len(users)} devices are"


def _whose(domain: Domain, private: list[Cell]) -> str:
    if len(private) < len(domain.cells):
        return f"the memory of guest {ids_text('cell', IdSet.of(cell.id for cell in private))}"
    return "the guest's memory"


def _told(private: list[Cell]) -> tuple[Related, ...]:
    said = [cell for cell in private if cell.shared is False]
    return tuple(Related(cell.place.at("memAccess"), f"cell {cell.id} is private") for cell in said[:MOST_RELATED])


def _help(domain: Domain) -> str:
    if any(cell.shared is False for cell in domain.cells):
        return "write memAccess='shared' in each cell, or leave memAccess out and add <access mode='shared'/>"
    source = "" if domain.hugepages or domain.backing.source in ("memfd", "file") else "<source type='memfd'/>"
    return f"add {source}<access mode='shared'/> to <memoryBacking>"
