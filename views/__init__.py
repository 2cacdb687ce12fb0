"""What people and machines see: FAB views, forms, APIs. Thin: rules live in models."""
