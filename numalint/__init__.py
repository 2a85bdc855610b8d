"""numalint finds what is wrong with the NUMA placement of libvirt domains."""

__version__ = "0.1.0"
