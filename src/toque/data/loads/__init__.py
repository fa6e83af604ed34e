"""Loads that take effect once: the SQL of the recipe and the decisions about schemas, for each dialect."""
