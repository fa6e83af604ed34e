"""Toque: a data orchestrator."""
