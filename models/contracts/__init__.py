"""Contracts between customers and their tenant."""
