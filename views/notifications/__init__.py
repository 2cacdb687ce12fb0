"""The e-mail addresses that a tenant's notifications go to."""
