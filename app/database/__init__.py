"""Timeouts of database connections, and the check of the database role."""
