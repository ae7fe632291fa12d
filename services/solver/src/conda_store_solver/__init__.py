"""Specification to lockfile; stateless."""
