"""Settings of every service: traitlets classes, one file per family; imports nothing but traitlets."""
