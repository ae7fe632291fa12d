"""Outside tools behind our ports."""
