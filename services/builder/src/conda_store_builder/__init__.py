"""Lockfile to prefix; stateless, owns the prefix directories."""

from conda_store_shared.command import command

run = command("conda_store_builder.main", "main")
