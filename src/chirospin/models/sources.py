"""Where a parameter of a published model comes from, and how far that can be relied on."""

from __future__ import annotations

from typing import Any

from chirospin.base.parameters import parameter

ABSTRACT = "abstract"
PUBLIC_CODE = "public code"
MEMORY = "from memory: verify"
OWN = "chosen here"


def published(default: Any, *, mark: str, about: str, **facts: Any) -> Any:
    """A :func:`~chirospin.base.parameters.parameter` whose description ends with the mark of its source."""
    return parameter(default, about=f"{about} [{mark}]", **facts)
