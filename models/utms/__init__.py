"""UTMs and their tokens for the device API."""
