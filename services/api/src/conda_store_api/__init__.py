"""The public REST API and the ledger of builds."""

from conda_store_shared.command import command

run = command("conda_store_api.main", "main")
