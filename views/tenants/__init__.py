"""Tenants, their settings, links and API tokens."""
