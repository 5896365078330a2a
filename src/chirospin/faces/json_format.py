"""JSON as everybody reads it: not-a-number and infinity are null."""

from __future__ import annotations

import json
from typing import Any


def dumps(facts: Any) -> str:
    """One JSON value in a line."""
    from chirospin.faces.text import plain

    return json.dumps(plain(facts), allow_nan=False)
