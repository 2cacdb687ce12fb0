"""Tickets (問合せ, §11): questions of partners to NEC, with their replies and attached files."""
