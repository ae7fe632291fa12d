"""Delivers public events to webhooks: in order for each, side by side for all, until they have arrived."""
