"""The engine: two pure state machines (run, admission). No I/O, no clock, no randomness, no logging."""
