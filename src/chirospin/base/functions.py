"""Functions of the user, named as FILE.py:NAME or MODULE:NAME."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from chirospin.base.errors import ModelError


def loaded_function(parameter: str, name: str) -> Callable[..., Any]:
    """The function NAME of FILE.py or MODULE that a parameter names; loaded again if the file changes.

    Raises
    ------
    ModelError : it cannot be loaded
    """
    where, _, attribute = name.rpartition(":")
    try:
        stamp = Path(where).stat().st_mtime_ns if where.endswith(".py") else 0
        return _loaded(where, attribute, stamp)
    except (ImportError, AttributeError, OSError, SyntaxError, ValueError) as error:
        raise ModelError(
            f"Parameter `{parameter}` must be a function that can be loaded, but is {name!r}: {error}"
        ) from None


@lru_cache(maxsize=32)
def _loaded(where: str, attribute: str, stamp: int) -> Callable[..., Any]:
    if where.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(where).stem, where)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(spec.name, module)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    function: Callable[..., Any] = getattr(module, attribute)
    return function
