"""Functions of the momentum that a user names: FILE.py:NAME or MODULE:NAME."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from chirospin.base.errors import ModelError

Function = Callable[[Any], Any]


@lru_cache(maxsize=16)
def load_function(parameter: str, name: str) -> Function:
    """The function that a text parameter names.

    Raises
    ------
    ModelError : no such file, module or function
    """
    where, _, attribute = name.rpartition(":")
    try:
        if where.endswith(".py"):
            spec = importlib.util.spec_from_file_location(Path(where).stem, where)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules.setdefault(spec.name, module)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(where)
        function: Function = getattr(module, attribute)
    except (ImportError, AttributeError, OSError, ValueError) as error:
        raise ModelError(
            f"Parameter `{parameter}` must be a function that can be loaded, but is {name!r}: {error}"
        ) from None
    return function
