"""Loads at work: rows of a source go into a table of a warehouse, and take effect once."""

from toque.data.loads.result import LoadResult as LoadResult
from toque.integrations.loading.load import load as load
from toque.integrations.loading.load import load_batch as load_batch
from toque.integrations.loading.load import load_rows as load_rows
from toque.integrations.loading.load import start_over as start_over
