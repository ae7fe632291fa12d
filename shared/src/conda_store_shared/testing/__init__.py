"""Real servers, fixtures, builders and in-memory parts that every test suite of the project uses."""
