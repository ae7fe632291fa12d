"""Rules only this service needs."""
