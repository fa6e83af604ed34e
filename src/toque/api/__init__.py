"""The HTTP API: inputs in, reads out. `toque.api.wire` fixes what it says, `services` what it can do."""
