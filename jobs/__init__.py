"""Background jobs: the queues, the jobs, and the tick that enqueues the jobs that are due."""
