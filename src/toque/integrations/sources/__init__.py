"""Sources of rows: tables by a cursor column, files, and the write-ahead log of PostgreSQL."""
