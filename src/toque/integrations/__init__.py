"""Integrations: what Toque knows about systems outside. Each is imported only when a connection of its type is used."""
