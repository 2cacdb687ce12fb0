"""Users of the customers' portal."""
