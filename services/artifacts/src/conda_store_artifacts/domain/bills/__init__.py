"""Bills of materials: what is in an environment, by the lockfile of its build."""
