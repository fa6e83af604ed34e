"""Ports: the protocols between the core and everything that touches the world."""
