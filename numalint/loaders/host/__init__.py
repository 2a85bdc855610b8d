"""Hosts from what describes them: one module a format, and several inputs made one host."""
