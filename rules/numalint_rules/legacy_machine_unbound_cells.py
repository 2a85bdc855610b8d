"""The machine type is so old that QEMU binds the memory of no guest cell.

For machine types up to 5.0 libvirt makes guest cells the old way, `-numa node,mem=`, where nothing else calls for a memory
backend of their own: a memnode, huge pages, a memory source, shared access. Memory made so has no `host-nodes` at all. A
`<memory>` of mode preferred or interleave then acts only through the policy of the QEMU process, which governs QEMU's own memory
alike and no cell by itself. A newer machine type, or a `<memnode>` for each cell, gives each a backend with its policy.

Host: none

Bad:

    <domain>
      <name>old1</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
                      ^^^^^^^^^^ acts on the process as a whole: machine pc-q35-4.2
      </numatune>
      <os>
        <type arch='x86_64' machine='pc-q35-4.2'>hvm</type>
      </os>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>old1</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
      </numatune>
      <os>
        <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
      </os>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Add a `<memnode>` for each cell. A newer machine type does it too, but the guest sees new hardware.

When to ignore it: The policy of the process is all that is wanted.

Sources:
- measured with libvirt 9.0.0: pc-q35-4.2 gets `-numa node,mem=`, pc-q35-7.2 a backend with host-nodes and policy
- QEMU, removed features: `-numa node,mem=` is gone for machine types after 5.0
"""

import re
from collections.abc import Iterator

from numalint import Category, Domain, Finding, Severity, Trait, domain_rule

_VERSIONED = re.compile(r"pc-(?:(?:i440fx|q35)-)?([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)
"""A machine type that names its release; of an alias, or a distribution's own, it is not known."""

LAST = (5, 0)


@domain_rule("legacy-machine-unbound-cells", Severity.NOTE, Category.MEMORY, when=Trait.CELLS | Trait.NUMATUNE)
def check(domain: Domain) -> Iterator[Finding]:
    memory, machine = domain.memory, _VERSIONED.fullmatch(domain.machine or "")
    if memory is None or memory.mode not in ("preferred", "interleave") or machine is None:
        return
    if not domain.cells or (int(machine[1]), int(machine[2])) > LAST or _has_backends(domain):
        return
    yield Finding(
        place=memory.place.at("mode"),
        message=f"machine {domain.machine} makes guest cells without a policy of their own: "
        f"mode {memory.mode} acts on QEMU as a whole",
        label=f"acts on the process as a whole: machine {domain.machine}",
        why="the memory of the cells has no host nodes in QEMU: only what the process happens to allocate follows the mode",
        help="add a <memnode> for each guest cell",
        data={"machine": domain.machine or ""},
    )


def _has_backends(domain: Domain) -> bool:
    """Whether something else makes libvirt give the cells backends."""
    backing = domain.backing
    made = domain.memnodes or domain.hugepages or backing.source or backing.access
    return bool(made) or any(cell.shared is not None for cell in domain.cells)
