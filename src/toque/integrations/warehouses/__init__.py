"""Warehouses: DuckDB, PostgreSQL and Snowflake behind one protocol. Each client is imported when it is used."""
