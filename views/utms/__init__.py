"""UTMs and the tokens with which they call the device API."""
