"""A PCI expander bus is on a NUMA cell that the guest does not have.

The `<node>` of a `pcie-expander-bus`, a `pci-expander-bus` or a pSeries `pci-root` is one of the guest's own cells, not a node of
the host: it is how the guest learns which of its memory a device is near to. libvirt refuses to define the domain: "pcie-expander-bus with
index 1 is configured for a NUMA node (3) not present in the domain's <cpu><numa> array (2)".

Bad:

    <domain>
      <name>ai1</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <controller type='pci' index='1' model='pcie-expander-bus'>
          <target busNr='180'>
            <node>2</node>
                  ^ the guest has cells 0-1
          </target>
        </controller>
      </devices>
    </domain>

Good:

    <domain>
      <name>ai1</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <controller type='pci' index='1' model='pcie-expander-bus'>
          <target busNr='180'>
            <node>1</node>
          </target>
        </controller>
      </devices>
    </domain>

Fix: Name the guest cell whose memory is bound to the host node of the devices below the expander. A guest without cells can
have no expander with a node.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse to define it
- libvirt, Domain XML format, "Controllers"
- QEMU, docs/pci_expander_bridge.txt
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    GuestCells,
    IdSet,
    Related,
    Severity,
    Trait,
    domain_rule,
    ids_text,
)


@domain_rule("pxb-node-invalid", Severity.ERROR, Category.CORRECTNESS, when=Trait.EXPANDERS)
def check(domain: Domain) -> Iterator[Finding]:
    count = len(domain.cells)
    wrong = [each for each in domain.guest.controllers if each.cell is not None and each.cell >= count]
    if not wrong:
        return
    exist: GuestCells = IdSet((1 << count) - 1)
    has = f"the guest has {ids_text('cell', exist)}" if count else "the guest has no cells"
    first = wrong[0]
    name = first.model or "PCI controller"
    which = name if first.index is None else f"{name} {first.index}"
    yield Finding(
        place=first.place,
        message=f"its {which} is on guest cell {first.cell}, but {has}",
        label=has,
        related=tuple(Related(each.place, f"nor a cell {each.cell}") for each in wrong[1 : 1 + MOST_RELATED]),
        why="libvirt refuses to define it: <node> is a cell of the guest, not a node of the host",
        help=f"name one of {ids_text('guest cell', exist)}" if count else "leave <node> out, or give the guest cells",
        data={"cell": first.cell or 0, "cells": count},
    )
