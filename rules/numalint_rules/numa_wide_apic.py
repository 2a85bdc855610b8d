"""The guest has more than 255 vCPUs, but not the interrupt hardware that they need.

An interrupt can name 255 CPUs of a PC. More need x2APIC in the guest's CPU and an IOMMU that remaps interrupts in extended interrupt mode
(eim), for which the I/O APIC must be QEMU's own; all of this needs a q35 machine. libvirt refuses the rest: "more than 255 vCPUs are only
supported on q35-based machine types", "more than 255 vCPUs require extended interrupt mode enabled on the iommu device". From 10.10
on it adds the IOMMU, and what is not said of its switches, by itself; it does not change what was turned off.
Without x2APIC QEMU does not start ("APIC ID 255 requires x2APIC feature in CPU").

Bad:

    <domain type='kvm'>
      <name>hana3</name>
      <memory unit='TiB'>6</memory>
      <vcpu>288</vcpu>
            ^^^ more than 255
      <os>
        <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
      </os>
    </domain>

Bad:

    <domain type='kvm'>
      <name>hana3</name>
      <memory unit='TiB'>6</memory>
      <vcpu>288</vcpu>
            ^^^ more than 255
      <os>
        <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
      </os>
      <devices>
        <iommu model='intel'>
         ----- its eim is off
          <driver intremap='on' eim='off'/>
        </iommu>
      </devices>
    </domain>

Good:

    <domain type='kvm'>
      <name>hana3</name>
      <memory unit='TiB'>6</memory>
      <vcpu>288</vcpu>
      <os>
        <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
      </os>
      <features>
        <ioapic driver='qemu'/>
      </features>
      <cpu mode='host-passthrough'/>
      <devices>
        <iommu model='intel'>
          <driver intremap='on' eim='on'/>
        </iommu>
      </devices>
    </domain>

Fix: A q35 machine, `<ioapic driver='qemu'/>` in `<features>` and `<iommu model='intel'><driver intremap='on' eim='on'/></iommu>`.

When to ignore it: Never on x86 with QEMU.

Sources:
- measured with libvirt 11.3.0 and QEMU 10.0: 1000 vCPUs are defined, and do not start without x2APIC
- libvirt, qemuValidateDomainVCpuTopology
- libvirt, release notes of 10.10.0: the IOMMU is added automatically
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: the same lines
"""

from collections.abc import Iterator

from numalint import TEXT, Category, Domain, Finding, Related, Release, Severity, count_text, domain_rule

MOST_WITHOUT = 255
"""The most vCPUs that do without."""

ADDED = Release(10, 10)
"""From here on libvirt adds the IOMMU and its switches where nothing is said of them."""

SNIPPET = (
    "<ioapic driver='qemu'/> in <features>, <iommu model='intel'><driver intremap='on' eim='on'/></iommu> in <devices>"
)


@domain_rule("numa-wide-apic", Severity.ERROR, Category.CORRECTNESS)
def check(domain: Domain) -> Iterator[Finding]:
    if domain.maximum <= MOST_WITHOUT or not domain.on_qemu or not _on_a_pc(domain):
        return
    machine = domain.machine
    if machine is not None and "q35" not in machine:
        yield _finding(domain, f"its machine {machine} is no q35", "use machine='q35'")
    elif machine is not None:  # which one libvirt takes where none is named is QEMU's to say
        iommu, said = _iommu(domain), domain.guest.iommu
        if iommu is not None:
            related = () if said is None else (Related(said.place, iommu),)
            yield _finding(domain, iommu, f"write {SNIPPET}", related)
        elif _lacks_x2apic(domain):
            yield _finding(domain, "its CPU has no x2APIC", "add <feature policy='require' name='x2apic'/> to <cpu>")


def _on_a_pc(domain: Domain) -> bool:
    if domain.arch is None:
        return domain.machine is not None and (domain.machine.startswith("pc") or "q35" in domain.machine)
    return domain.arch in ("x86_64", "i686")


def _iommu(domain: Domain) -> str | None:
    """What the IOMMU lacks, with all that this release of libvirt adds."""
    iommu, added = domain.guest.iommu, domain.libvirt >= ADDED
    if iommu is None:
        if not added:
            return "it has no IOMMU"
    elif iommu.model in (None, "amd"):
        return None  # its switches are newer than what is known here
    elif iommu.model != "intel":
        return f"its IOMMU is {iommu.model}, which has no extended interrupt mode"
    elif not (added if iommu.eim is None else iommu.eim):
        return "its eim is off"
    elif not (added if iommu.intremap is None else iommu.intremap):
        return "its intremap is off"
    if domain.ioapic != "qemu" and not (added and domain.ioapic is None):
        return "its I/O APIC is not QEMU's"
    return None


def _lacks_x2apic(domain: Domain) -> bool:
    """Whether QEMU's default CPU, which has it under KVM alone, or a feature that is taken away, leaves none."""
    policy = domain.cpu_features.get("x2apic")
    if policy is not None:
        return policy in ("disable", "forbid")
    return domain.virtualisation == "qemu" and domain.cpu_mode is None and domain.cpu_model is None


def _finding(domain: Domain, lack: str, right: str, related: tuple[Related, ...] = ()) -> Finding:
    vcpus, place = count_text(domain.maximum, "vCPU"), domain.vcpu_place
    return Finding(
        place=domain.place if place is None else place.at(TEXT),
        message=f"it has {vcpus}, over {MOST_WITHOUT}, but {lack}",
        label=f"more than {MOST_WITHOUT}",
        related=related,
        why=f"libvirt or QEMU refuses it: more than {MOST_WITHOUT} vCPUs need q35, an IOMMU with eim, and x2APIC",
        help=right,
        data={"vcpus": domain.maximum, "lack": lack},
    )
