"""The command `conda-store`: a client of the REST API."""
