"""The global search in a tenant's data."""
