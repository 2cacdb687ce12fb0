"""Run the portal on one machine: embedded servers and the portal's processes."""
