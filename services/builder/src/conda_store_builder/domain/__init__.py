"""Rules that only the builder needs."""
