"""Mail: templates, outbox, sending and the log of sent mail."""
