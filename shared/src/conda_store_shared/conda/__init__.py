"""The one adapter over py-rattler: what several services need of conda."""
