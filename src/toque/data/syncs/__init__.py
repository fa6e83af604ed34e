"""Syncs: which records to send, what an answer means for what is known, what is unusual. Pure."""
