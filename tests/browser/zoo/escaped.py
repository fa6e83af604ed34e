"""A file that cannot be loaded, on purpose: the pages say so, with its line."""

from toque import pipeline
from zoo_that_is_not_there import keeper


@pipeline
def hunt():
    """Never loads."""
    keeper()
