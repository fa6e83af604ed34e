"""Executors: where attempts run. Each implements `toque.ports.executor.Executor`, and knows no store."""
