"""The stored figures of the dashboard."""
