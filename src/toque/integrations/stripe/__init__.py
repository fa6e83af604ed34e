"""Stripe: customers, charges, subscriptions and other objects, and what changes in them. Needs `toque[stripe]`."""
