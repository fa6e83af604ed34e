"""Destinations of syncs that need no vendor's client: an HTTP API, a table of PostgreSQL, files."""
