"""What Toque knows about data, as pure rules: no I/O, no clock, no random number."""
