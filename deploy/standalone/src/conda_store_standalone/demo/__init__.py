"""``make demo``: one real environment from specification to archive, on this machine, with nothing set up before."""
