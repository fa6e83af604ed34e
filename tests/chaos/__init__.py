"""Chaos: real processes, killed at random moments; what remains must be what an undisturbed run leaves."""
