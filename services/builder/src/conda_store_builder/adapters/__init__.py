"""How the builder does it: child processes, and directories on a volume."""
