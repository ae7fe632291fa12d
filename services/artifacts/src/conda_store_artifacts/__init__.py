"""Prefix to artifacts, and their downloads."""

from conda_store_shared.command import command

run = command("conda_store_artifacts.main", "main")
