"""The search over everything of a tenant."""
