"""Form fields, validators and error messages."""
