"""Figures across tenants."""
