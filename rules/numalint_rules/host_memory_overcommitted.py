"""The domains of a host have more memory together than the host has for guests.

Each of them fits, and all of them start, for Linux gives memory out when it is used. When it is used up, the host swaps, which a
guest cannot tell from a slow disk, or kills one of them. SUSE's guide stops creating guests when they have all memory but what is kept
for the host, 5 to 10 % by its rule of thumb; what the host keeps is declared as `reserved_memory` of a node, and is subtracted, as are the
pools of huge pages. Balloons count: a domain has what `<currentMemory>` leaves of its memory. Where the domains only fit because
of balloons, it is a note. Of domains that have a device in common, only the largest counts.

Host: pack:2 [numa(memory=32GiB)] core:4 pu:1

Bad:

    <domain>
      <name>web1</name>
      <memory unit='GiB'>40</memory>
                         ^^ 40 GiB of web1
      <vcpu>4</vcpu>
    </domain>
    <domain>
      <name>web2</name>
      <memory unit='GiB'>30</memory>
                         -- 30 GiB of web2
      <vcpu>4</vcpu>
    </domain>

Bad (note):

    <domain>
      <name>web1</name>
      <memory unit='GiB'>40</memory>
                         ^^ 40 GiB of web1
      <vcpu>4</vcpu>
    </domain>
    <domain>
      <name>web2</name>
      <memory unit='GiB'>30</memory>
                         -- 30 GiB of web2, 20 GiB of it with the balloon
      <currentMemory unit='GiB'>20</currentMemory>
      <vcpu>4</vcpu>
    </domain>

Good:

    <domain>
      <name>web1</name>
      <memory unit='GiB'>30</memory>
      <vcpu>4</vcpu>
    </domain>
    <domain>
      <name>web2</name>
      <memory unit='GiB'>30</memory>
      <vcpu>4</vcpu>
    </domain>

Fix: Give the domains less memory, let balloons hold a part of it (`<currentMemory>`), or move one to another host. Domains that
never run together are declared so in `numalint.toml`, as `exclusive-groups = [["web1", "web2"]]` of their host.

When to ignore it: The guests are alike and the kernel merges their pages, or they never use what they are given, and it is watched.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: 5 to 10 % of the memory are the host's, and what is left is not exceeded
- measured with libvirt 9.0.0 and 11.3.0: a domain starts with more memory than is free, and is killed when it uses it
"""

from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Excess,
    Fact,
    Fleet,
    Severity,
    Share,
    Target,
    excess,
    host_rule,
    size_text,
)


@host_rule(
    "host-memory-overcommitted",
    Severity.WARNING,
    needs=(Fact.NODES, Fact.MEMORY),
    uses=Fact.HUGEPAGES,
    precision="very-high",
)
def check(fleet: Fleet) -> Iterator[Conflict]:
    room = sum(size or 0 for size in fleet.host.ordinary_bytes.values())
    whole = [Share(claim, _ordinary(fleet, claim), Target("memory")) for claim in fleet.claims]
    if sum(share.size for share in whole) <= room:
        return
    bound = [Share(claim, _ordinary(fleet, claim, bound=True), Target("memory")) for claim in fleet.claims]
    if excess(fleet, bound, room) is not None:
        return  # node-memory-overcommitted says so
    left = [share._replace(size=_left(share.claim, share.size)) for share in whole]
    for shares, severity in ((left, None), (whole, Severity.NOTE)):
        over = excess(fleet, shares, room)
        if over is not None:
            yield _conflict(fleet, over, severity)
            return


def _ordinary(fleet: Fleet, claim: Claim, *, bound: bool = False) -> int:
    """How much memory a domain has; where the pools are known, without that in huge pages."""
    pools_known = Fact.HUGEPAGES not in fleet.host.unknown
    parts = (part for part in claim.memory if part.nodes is not None or not bound)
    return sum(part.size_bytes for part in parts if not (part.huge and pools_known))


def _left(claim: Claim, size: int) -> int:
    """What its balloon leaves a domain of ``size`` bytes."""
    return max(0, size - claim.ballooned_bytes)


def _conflict(fleet: Fleet, over: Excess, severity: Severity | None) -> Conflict:
    host, has = fleet.host, int(over.room)
    everything = sum(node.memory_bytes or 0 for node in host.nodes or ())
    kept = "" if has == everything else f" for guests in ordinary pages, of {size_text(everything)}"

    def label(share: Share) -> str:
        size = _ordinary(fleet, share.claim)
        left = _left(share.claim, size)
        with_balloon = "" if left == size else f", {size_text(left)} of it with the balloon"
        return f"{size_text(size)} of {share.claim.domain}{with_balloon}"

    return Conflict(
        parties=over.parties(label),
        message=f"{over.who} have {size_text(over.wanted)} of memory{' without their balloons' if severity else ''}, "
        f"but {host.name} has {size_text(has)}{kept}",
        subject="memory",
        severity=severity,
        nodes=host.memory_nodes,
        why="only balloons keep the host from swapping, or from killing one of them"
        if severity
        else "when they have used what there is, the host swaps, or kills one of them",
        help=f"give them less memory; {fleet.apart_text(share.claim for share in over.running)}",
        data={"memory_bytes": over.wanted, "host_bytes": has, "domains": len(over.running)},
    )
