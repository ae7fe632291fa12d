"""Runs a service: signals, consumers, stages with their attempts, graceful stop."""
