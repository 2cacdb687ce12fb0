"""The worker and cron processes."""
