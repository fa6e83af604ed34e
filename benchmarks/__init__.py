"""Benchmarks: the budgets of Toque, and two workloads beside its peers. `make bench` runs all of them."""
