"""Prefix to artifacts, and their downloads."""
