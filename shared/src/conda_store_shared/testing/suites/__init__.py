"""What every implementation of a port must do; a test module subclasses a suite and gives it the real thing."""
