"""SELECTs that several services need."""
