"""Rules that only this service needs."""
