"""What schedules mean: rules, zones and calendars as pure arithmetic. No clock, no randomness, no I/O."""
