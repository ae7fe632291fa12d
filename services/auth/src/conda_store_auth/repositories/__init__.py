"""All SQL of this service; one file per table family."""
