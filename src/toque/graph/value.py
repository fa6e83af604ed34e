"""What every value of the IR is."""

from __future__ import annotations

import msgspec


class IRValue(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A value of the IR. Defaults are left out, so that a field added later changes no old hash."""
