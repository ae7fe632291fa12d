"""The suite composed into one process, or into the two commands upstream has."""

from conda_store_shared.command import command

server = command("conda_store_standalone.main", "server")
worker = command("conda_store_standalone.main", "worker")
