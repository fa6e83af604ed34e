"""Stripe for tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.billing import Billing


@pytest.fixture
def billing() -> Iterator[Billing]:
    """An empty account."""
    from tests.billing import running_billing  # its server is needed by few

    with running_billing() as made:
        yield made
