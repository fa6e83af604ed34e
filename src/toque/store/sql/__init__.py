"""What SQLite and PostgreSQL share: the one declaration of the tables, the text made from it, and every operation."""
