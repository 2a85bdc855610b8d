"""The guest has an odd number of vCPUs.

On this fleet every core has two threads and guests are given whole cores, so an odd number leaves a thread over that no other
guest may have.

Host: none

Bad:

    <domain>
      <name>web1</name>
      <vcpu>3</vcpu>
            ^ 3 vCPUs
    </domain>

Good:

    <domain>
      <name>web1</name>
      <vcpu>4</vcpu>
    </domain>

Good:

    <domain>
      <name>tiny1</name>
      <vcpu>1</vcpu>
    </domain>

Fix: Give the guest one vCPU more, or one less.

When to ignore it: The guest runs on a host without SMT.

Sources:
- the fleet's own policy
"""

from collections.abc import Iterator

from numalint import TEXT, Category, Domain, Finding, Severity, domain_rule


@domain_rule("odd-vcpu-count", Severity.NOTE, Category.PLACEMENT)
def check(domain: Domain) -> Iterator[Finding]:
    vcpus = len(domain.online)
    if vcpus > 1 and vcpus % 2 and domain.vcpu_place is not None:
        yield Finding(
            place=domain.vcpu_place.at(TEXT),
            message=f"it has {vcpus} vCPUs, an odd number",
            label=f"{vcpus} vCPUs",
            why="guests get whole cores of two threads, so one thread stays unused",
            help=f"give it {vcpus - 1} or {vcpus + 1} vCPUs",
            data={"vcpus": vcpus},
        )
