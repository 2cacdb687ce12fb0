"""Screens declared from models: lists, details and forms (docs/howto/add-a-screen.md)."""
