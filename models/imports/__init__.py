"""Imports of customers, with contracts and UTMs, from files."""
