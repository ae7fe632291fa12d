"""Streams of public events: one reader of the log for all that are open in a process."""
