"""Database connections and the check of the database role."""
