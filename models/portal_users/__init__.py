"""The people of customers who sign in to the customers' portal, a different system (§7.4.4)."""
