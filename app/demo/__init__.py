"""Invented companies, UTMs and alerts for whoever tries the portal: ``flask portal demo``."""
