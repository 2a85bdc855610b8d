"""numalint's own declaration of a host (``NAME.host.toml``): regular, node by node, or added to another input."""

from __future__ import annotations

from msgspec.structs import replace

from numalint.loaders.document import Document, ReadInput
from numalint.loaders.host import synthetic
from numalint.loaders.host.toml_cpus import with_cpu_lists, with_l3
from numalint.loaders.host.toml_layout import lay_out
from numalint.loaders.host.toml_nodes import listed, with_node_tables
from numalint.loaders.host.toml_pci import with_pci
from numalint.loaders.host.toml_tables import Tables
from numalint.loaders.host.values import host_name
from numalint.loaders.toml_places import locate
from numalint.model.host import Host
from numalint.model.idset import union

__all__ = ["load", "locate"]

_FORMS = ("topology", "nodes", "base", "synthetic")


def load(document: Document, read_input: ReadInput) -> Host:
    """The host that a declaration states, with what its ``base`` states. Raises LoadError."""
    tables = Tables(document)
    if tables.file.format != 1:
        tables.refuse("", "format", f"format {tables.file.format} is not known; this numalint knows 1")
    host = _host(tables, read_input)
    host = with_node_tables(host, tables)
    host = with_cpu_lists(host, tables)
    host = with_l3(host, tables)
    host = with_pci(host, tables)
    if host.nodes is None and host.pci is None and host.l3 is None and not host.pci_buses and not tables.file.cpus:
        tables.refuse("", None, "it declares nothing", "write [topology], [[nodes]], base or synthetic")
    return host


def _host(tables: Tables, read_input: ReadInput) -> Host:
    """The host of the form that is used, before what the other tables add. Without a form nothing is known of it."""
    file = tables.file
    forms = [form for form in _FORMS if getattr(file, form) not in (None, [])]
    if len(forms) > 1:
        tables.refuse("", None, f"{' and '.join(forms)} are given: each declares the nodes, so write one of them")
    name = file.name or host_name(tables.path)
    place = tables.place(next((form for form in forms if form != "nodes"), "[[nodes]] 1" if forms else ""))
    if file.base:
        base = read_input(file.base)
        return replace(
            base,
            name=name,
            arch=file.arch or base.arch,
            sources=(tables.path, *base.sources),
            place=base.place or place,
        )
    if file.synthetic:
        host = synthetic.read(file.synthetic, tables.path, place)
        return replace(host, name=name, arch=file.arch)
    bare = Host(name=name, arch=file.arch, sources=(tables.path,), place=place)
    if not forms:
        return bare
    layout = lay_out(tables) if file.topology is not None else listed(tables)
    cpus = [node.cpus for node in layout.nodes if node.cpus is not None]
    return replace(
        bare,
        cpus=union(cpus) if len(cpus) == len(layout.nodes) else None,
        nodes=layout.nodes,
        sockets=layout.sockets,
        cores=layout.cores,
        l3=layout.l3,
    )
