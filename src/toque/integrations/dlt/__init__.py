"""dlt as the adapter for breadth: its sources load into a warehouse, its resources are assets. Needs `toque[dlt]`."""
