"""Two domains of a host have one name or one UUID.

libvirt has one domain of a name and one of a UUID, and refuses to define another: "domain 'web1' already exists with uuid ...". Most
often it is the same domain twice, a copy of its file that was kept, or a file that was copied for a new domain and
not changed everywhere. Since one of them runs at a time, they do not clash with each other, and count once in sums: what else is
wrong between them is said when each has a name and a UUID of its own.

Host: pack:1 [numa(memory=64GiB)] core:8 pu:1

Bad:

    <domain>
      <name>web1</name>
            ^^^^ first of 2
      <vcpu>2</vcpu>
    </domain>
    <domain>
      <name>web1</name>
            ---- web1 again
      <vcpu>4</vcpu>
    </domain>

Bad:

    <domain>
      <name>web1</name>
      <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ UUID of web1
    </domain>
    <domain>
      <name>web2</name>
      <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
            ------------------------------------ UUID of web2
    </domain>

Good:

    <domain>
      <name>web1</name>
      <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
    </domain>
    <domain>
      <name>web2</name>
      <uuid>0a3f9b6e-93a0-4a52-a3b1-3d1e2a6c7f10</uuid>
    </domain>

Fix: Leave the copy out (`exclude` in `numalint.toml`), or give the new domain a name of its own and no `<uuid>`, for libvirt makes one.

When to ignore it: The files are variants of one domain, of which one is defined at a time.

Sources:
- libvirt, virDomainObjListAdd: a domain already exists with this name, or with this UUID
- libvirt-TCK, domain/080-unique-id-define: both are unique
"""

from collections.abc import Iterator

from numalint import Claim, Conflict, Fleet, Party, Severity, Target, count_text, host_rule, names_text


@host_rule("domain-name-or-uuid-clash", Severity.NOTE, precision="very-high")
def check(fleet: Fleet) -> Iterator[Conflict]:
    named: dict[str, list[Claim]] = {}
    identified: dict[str, list[Claim]] = {}
    for claim in fleet.claims:
        if claim.named:
            named.setdefault(claim.domain, []).append(claim)
        if claim.uuid:
            identified.setdefault(claim.uuid, []).append(claim)
    for name, claims in named.items():
        if len(claims) > 1:
            yield _same_name(fleet, name, claims)
    for uuid, claims in identified.items():
        if len({claim.domain for claim in claims}) > 1:
            yield _same_uuid(fleet, uuid, claims)


def _same_name(fleet: Fleet, name: str, claims: list[Claim]) -> Conflict:
    first, *others = claims
    return Conflict(
        parties=(
            Party(first, Target("domain"), f"first of {len(claims)}"),
            *(Party(claim, Target("domain"), f"{name} again") for claim in others),
        ),
        message=f"{count_text(len(claims), 'domain')} of {fleet.host.name} have the name {name}",
        why="libvirt has one of them at a time, so they are judged as if they never ran together",
        help="leave the copy out (exclude in numalint.toml), or give the new domain a name of its own",
        data={"name": name, "domains": len(claims)},
    )


def _same_uuid(fleet: Fleet, uuid: str, claims: list[Claim]) -> Conflict:
    return Conflict(
        parties=tuple(Party(claim, Target("uuid"), f"UUID of {claim.domain}") for claim in claims),
        message=f"{names_text(claim.domain for claim in claims)} of {fleet.host.name} have the UUID {uuid}",
        why="libvirt has one of them at a time, so they are judged as if they never ran together",
        help="leave <uuid> out of the new domain: libvirt makes one",
        data={"uuid": uuid, "domains": len(claims)},
    )
