"""Security alerts: ingest, search, export and retention."""
