"""A Salesforce to practise on: HTTPS on 127.0.0.1 with the documented REST, Collections and Bulk API 2.0.

Start it by `python -m sandbox.salesforce --state crm.db`, or in a test by `SandboxServer(Sandbox(path))`.
"""
