"""SQLite: the default store. One writer thread, one reader thread, file locks for the liveness of instances."""
