"""Value types without tables: cleaning, parsing and comparing text, numbers and places."""
