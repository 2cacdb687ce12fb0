"""Invented companies, UTMs and alerts for trying the portal: ``flask portal demo``."""
