"""Connections as objects: `Salesforce("crm")`, `Warehouse("warehouse")`. They open nothing before a worker does."""
