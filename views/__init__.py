"""The presentation layer: FAB views, forms and HTTP APIs. Business rules belong in ``models``."""
