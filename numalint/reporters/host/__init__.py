"""A host on its way out: drawn in the terminal, declared in TOML, judged by itself, compared with another."""
