"""Functions and value types without tables: normalize, parse and compare text, numbers and places."""
