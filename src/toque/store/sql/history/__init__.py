"""The read side for pages on a database, and what is written for it when a run is created and when it ends."""
