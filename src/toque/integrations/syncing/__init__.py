"""Syncing: rows of a warehouse into a system outside, each accepted record once."""
