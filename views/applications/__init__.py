"""Applications for the service, and the extra questions of their form."""
