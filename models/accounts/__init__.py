"""Users, roles, permissions, passwords and sign-in."""
