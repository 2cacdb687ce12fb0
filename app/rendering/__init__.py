"""Template functions."""
