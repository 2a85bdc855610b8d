"""A set is written where numad is to place the guest, and is not used.

With `placement='auto'` libvirt asks numad for nodes when the domain starts. A `cpuset` of the same `<vcpu>` is not even read, a
`nodeset` of the same `<memory>` is read and dropped; the stored XML has neither, and nothing is said. The guest runs where
numad puts it, which is another place at another start: for one file numad answered nodes 0-1 once, and node 0 the next time.

Host: none

Bad:

    <domain>
      <name>web5</name>
      <vcpu placement='auto' cpuset='0-7'>4</vcpu>
                                     ^^^ dropped, for numad chooses
    </domain>

Bad:

    <domain>
      <name>web5</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' placement='auto' nodeset='0'/>
                                                        ^ dropped, for numad chooses
      </numatune>
    </domain>

Good:

    <domain>
      <name>web5</name>
      <vcpu placement='static' cpuset='0-7'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Fix: Delete the set, or delete `placement='auto'` where the set is what is meant.

When to ignore it: The file is kept so that one word switches it back to its own sets.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: the cpuset is gone from the stored XML; numad's two answers
- libvirt, Domain XML format, "NUMA Node Tuning": nodeset will be ignored
"""

from collections.abc import Iterator

from numalint import Category, Domain, Finding, Severity, Trait, domain_rule


@domain_rule("auto-placement-ignores", Severity.WARNING, Category.CORRECTNESS, when=Trait.AUTOMATIC)
def check(domain: Domain) -> Iterator[Finding]:
    for place in domain.dropped:
        attribute = place.attribute or ""
        element, runs = ("vcpu", "the vCPUs run") if attribute == "cpuset" else ("memory", "the memory is")
        yield Finding(
            place=place,
            message=f"<{element}> has a {attribute}, but also placement='auto', so that libvirt drops it",
            label="dropped, for numad chooses",
            why=f"{runs} on the nodes that numad chooses at each start, not on those of the {attribute}",
            help=f"delete the {attribute}, or placement='auto' if the {attribute} is what is meant",
            data={"attribute": attribute},
        )
