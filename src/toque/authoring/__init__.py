"""Authoring: Python code in, graph IR out. The forms that users write, and the checks that answer them."""
