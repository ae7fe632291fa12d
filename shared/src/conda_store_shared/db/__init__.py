"""The database: engine, models, shared reads, migrations."""
