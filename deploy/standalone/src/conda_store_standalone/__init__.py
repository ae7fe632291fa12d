"""The suite composed into one process, or into the two commands upstream has."""
