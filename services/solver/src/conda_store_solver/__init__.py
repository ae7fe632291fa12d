"""Specification to lockfile; stateless."""

from conda_store_shared.command import command

run = command("conda_store_solver.main", "main")
