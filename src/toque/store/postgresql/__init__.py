"""PostgreSQL: the store for production. Leases by the database's clock, NOTIFY as a hint that something changed."""
