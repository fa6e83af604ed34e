"""Checks run where the data is: counts, samples, quarantine and its replay, and publishing only what passed."""
