"""Runs attempts of user code: arguments, context, values, logs. Knows no server and no executor."""
