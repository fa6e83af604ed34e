"""Lineage: which columns each column is made of, across SQL, loads and syncs."""
