"""The rules that numalint ships: one file is one rule, its page and its examples."""
