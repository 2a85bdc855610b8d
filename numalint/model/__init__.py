"""Plain frozen values: what a domain says, what a host has, and what was found."""
