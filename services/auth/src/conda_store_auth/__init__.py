"""Identity in, a signed token with role bindings out."""

from conda_store_shared.command import command

run = command("conda_store_auth.main", "main")
