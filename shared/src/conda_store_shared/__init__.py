"""What the services share: domain, events, bus, database, storage, web plumbing."""
