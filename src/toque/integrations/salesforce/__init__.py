"""Salesforce: what changed there since a cursor, and a destination of syncs. Needs `toque[salesforce]`."""
