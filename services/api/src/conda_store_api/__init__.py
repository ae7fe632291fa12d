"""The public REST API and the ledger of builds."""
