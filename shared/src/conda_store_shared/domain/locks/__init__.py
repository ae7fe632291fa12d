"""Locks in the forms other programs write and read, to and from the one that is stored (conda-lock version 1)."""
