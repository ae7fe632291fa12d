"""Lockfile to prefix; stateless, owns the prefix directories."""
