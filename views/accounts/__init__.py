"""Screens of users, roles, permissions, passwords and sign-in."""
