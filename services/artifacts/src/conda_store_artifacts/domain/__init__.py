"""Values and rules that only this service needs."""
