"""What the builder does, one verb a file."""
