"""A file that cannot be loaded, on purpose: the pages say so, with its line."""

from zoo_that_is_not_there import keeper

from toque import pipeline


@pipeline
def hunt():
    """Never loads."""
    keeper()
