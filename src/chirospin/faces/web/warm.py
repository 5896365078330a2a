"""Imported once before processes fork off, so that each starts at once."""

from __future__ import annotations

import chirospin
from chirospin.faces import arguments
from chirospin.faces.web import worker
from chirospin.studies import registry

READY = (
    [arguments.family(name) for name in chirospin.FAMILIES],
    list(registry.studies()),
    worker,
)
