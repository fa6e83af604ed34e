"""Two workloads on other systems, each in a virtual environment of its own that the benchmark makes."""
