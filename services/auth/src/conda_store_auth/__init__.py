"""Identity in, a signed token with role bindings out."""
