"""Memory is bound to nodes, and none is named.

`<memory mode='strict'/>` in numatune has no meaning of its own: where placement is static, which it is unless the domain or the
element says auto, libvirt wants a nodeset and does not define the domain: "nodeset for NUMA memory tuning must be set if
'placement' is 'static'". Only beside `<vcpu placement='auto'>` may both be left out; numad then chooses the nodes.

Host: none

Bad:

    <domain>
      <name>olap1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='8'/>
        <vcpupin vcpu='1' cpuset='9'/>
      </cputune>
      <numatune>
        <memory mode='strict'/>
         ^^^^^^ nodeset is missing
      </numatune>
    </domain>

Good:

    <domain>
      <name>olap1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='8'/>
        <vcpupin vcpu='1' cpuset='9'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Good:

    <domain>
      <name>olap1</name>
      <vcpu placement='auto'>2</vcpu>
      <numatune>
        <memory mode='preferred'/>
      </numatune>
    </domain>

Fix: `nodeset` with the node that the vCPUs are pinned to (`numalint show` lists the CPUs of each), or `placement='auto'` where
numad is to choose.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse it
- libvirt, virDomainNumatuneParseXML: the message, and when numad may choose
"""

from collections.abc import Iterator

from numalint import Category, Domain, Finding, Severity, Trait, cpus_text, domain_rule, union


@domain_rule("numatune-nodeset-missing", Severity.ERROR, Category.CORRECTNESS, when=Trait.FAULTS, suppressible=False)
def check(domain: Domain) -> Iterator[Finding]:
    for fault in domain.faults:
        if fault.rule == "numatune-nodeset-missing":
            pinned = union(pin.cpus for pin in domain.vcpupins.values())
            where = f" that has {cpus_text(pinned)}, where its vCPUs are pinned" if pinned else " of its vCPUs"
            yield Finding(
                place=fault.place,
                message="<memory> of numatune is static and names no nodes",
                label=fault.label,
                why="libvirt refuses to define it: nodeset for NUMA memory tuning must be set if 'placement' is 'static'",
                help=f"add nodeset='...' with the node{where}; or placement='auto'",
                data={"pinned": str(pinned)},
            )
