"""The check of the database role."""
