"""OpenLineage: what ran, what it read and wrote, told to whoever collects lineage. https://openlineage.io/docs/spec"""
