"""What happens by itself: the queues, the jobs, and the tick that starts what the timetable says is due."""
