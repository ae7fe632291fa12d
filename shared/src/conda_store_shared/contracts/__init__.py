"""Everything that travels on the bus, and between whom."""
