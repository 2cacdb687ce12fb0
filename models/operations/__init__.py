"""Scheduled tasks, their jobs and health checks."""
