"""What configuration files of conda-store import and say, in our names."""
