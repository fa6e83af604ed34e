"""HTTP: a client that waits as it is told, and a source of records that come in pages."""
