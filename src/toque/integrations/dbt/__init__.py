"""dbt projects as pipelines: each model, seed, snapshot and test a task run, one dbt process for all of them."""
