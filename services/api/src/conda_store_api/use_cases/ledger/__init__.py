"""One file per fact that a stage reports: compare and set, rows, next request (design §3)."""
