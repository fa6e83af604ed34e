"""Loaded by every interpreter of a demo's server: its clock is as far from ours as `DEMO_SHIFT_S` says."""

import os
import time

_real_ns = time.time_ns
_shift_ns = int(os.environ.get("DEMO_SHIFT_S", "0")) * 1_000_000_000

# The server and its workers ask nothing else for the time of day.
time.time_ns = lambda: _real_ns() + _shift_ns
