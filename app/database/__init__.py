"""Timeouts of database connections, the replica, and the check of the database role."""
