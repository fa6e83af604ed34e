"""The OpenAPI document: `python -m toque.api.openapi > ui/openapi.json`."""

from __future__ import annotations

import json
import sys

from toque.api.app import create_app


def document() -> str:
    """The text of the file that the types of the UI are generated from."""
    return json.dumps(create_app().openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
