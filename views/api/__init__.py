"""The HTTP APIs for UTMs and for the customers' portal."""
