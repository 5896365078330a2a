"""Functions of the user, named as FILE.py:NAME or MODULE:NAME."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, ParameterInfo


@dataclass(frozen=True)
class UserFunction:
    """A function of one argument that a parameter names; what it raises is an error of that parameter.

    Its attributes, such as ``spin`` or ``lesser``, are those of the function.
    """

    parameter: str
    name: str
    function: Callable[..., Any]

    def __call__(self, argument: Any) -> Any:
        """The value as an array.

        Raises
        ------
        ModelError : the function raises, ends the program, or returns what is no array of numbers
        """
        try:
            value = self.function(argument)
            numbers = np.asarray(value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _refused(self.parameter, self.name, _words(error)) from None
        if numbers.dtype.kind not in "fciub":
            raise _refused(self.parameter, self.name, f"it returns {type(value).__name__}")
        return numbers

    def __getattr__(self, attribute: str) -> Any:
        """An attribute of the function."""
        if attribute.startswith("__") or attribute == "function":  # before it is filled
            raise AttributeError(attribute)
        value = getattr(self.function, attribute)
        if isinstance(value, FunctionType):
            return UserFunction(self.parameter, f"{self.name}.{attribute}", value)
        return value


def loaded_function(parameter: str, name: str) -> UserFunction:
    """The function NAME of FILE.py or MODULE that a parameter names; loaded again if the file changes.

    It is a Python function of one argument, or one of NumPy's; nothing of Python's own library is called.

    Raises
    ------
    ModelError : it cannot be loaded, or is something else
    """
    where, _, attribute = name.rpartition(":")
    if where.partition(".")[0] in sys.stdlib_module_names:
        raise _refused(parameter, name, "modules of Python itself hold none")
    try:
        stamp = Path(where).stat().st_mtime_ns if where.endswith(".py") else 0
        function = _loaded(where, attribute, stamp)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file may raise anything, or end the program
        raise _refused(parameter, name, _words(error)) from None
    if not _takes_one(function):
        raise _refused(parameter, name, "it is not a function of one argument")
    return UserFunction(parameter, name, function)


def _takes_one(function: Any) -> bool:
    """Whether it is a function that may be called with one array; it is not called to find out."""
    if isinstance(function, np.ufunc):
        return bool(function.nargs - function.nout == 1)
    if not isinstance(function, FunctionType):
        return False
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    return not inspect.isgeneratorfunction(function) and not inspect.iscoroutinefunction(function)


def _refused(parameter: str, name: str, why: str) -> ModelError:
    return ModelError(
        f"Parameter `{parameter}` must be a function that can be loaded and called with one array, "
        f"but is {name!r}: {why}"
    )


def _words(error: BaseException) -> str:
    """An error of the user's code in words."""
    if isinstance(error, (ImportError, AttributeError, OSError, SyntaxError, ModelError)):
        return str(error)
    return f"{type(error).__name__}: {error}"


@lru_cache(maxsize=32)
def _loaded(where: str, attribute: str, stamp: int) -> Any:
    if where.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(where).stem, where)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(spec.name, module)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    return getattr(module, attribute)


def names_code(info: ParameterInfo, value: Any) -> bool:
    """Whether a value of a parameter is FILE.py:NAME or MODULE:NAME: every free text with a colon."""
    return isinstance(info.default, str) and not info.choices and ":" in str(value)


def named_files(model: Model) -> dict[str, Path]:
    """The file behind each parameter that names one: code of the user, or a table.

    Raises
    ------
    ModelError : a module that is not found
    """
    named: dict[str, Path] = {}
    for info in model.parameters():
        value = getattr(model, info.name)
        if not isinstance(info.default, str) or info.choices or value == info.default:
            continue
        where = value.rpartition(":")[0] if ":" in value else value
        path = Path(where)
        if ":" in value and not where.endswith(".py"):
            path = _module_file(info.name, where)
        if path.is_file() or model.beside(info.name):
            named[info.name] = path
    return named


def _module_file(parameter: str, module: str) -> Path:
    try:
        spec = importlib.util.find_spec(module)
    except (Exception, SystemExit):  # its parents are imported
        spec = None
    if spec is None:
        raise ModelError(f"Parameter `{parameter}` names a module that is not found: {module!r}")
    return Path(spec.origin or "")


def placed(info: ParameterInfo, value: Any, folder: Path) -> Any:
    """A text parameter whose relative FILE is taken from a folder, where it is there."""
    if not isinstance(value, str) or not isinstance(info.default, str) or info.choices:
        return value
    where, colon, name = value.rpartition(":") if ":" in value else (value, "", "")
    path = folder / where
    is_file = where.endswith(".py") or (not colon and path.is_file())
    return f"{path.resolve()}{colon}{name}" if is_file else value


def contents(model: Model) -> dict[str, str]:
    """SHA-256 of the file behind each parameter that names one, with those that stand beside it.

    Raises
    ------
    ModelError : a file that cannot be read
    """
    texts = {}
    for name, path in named_files(model).items():
        digest = hashlib.sha256()
        try:
            for one in model.beside(name) or (path,):
                digest.update(one.read_bytes())
        except OSError as error:
            raise ModelError(
                f"Parameter `{name}` names a file that cannot be read: {path}: {error.strerror}"
            ) from None
        texts[name] = digest.hexdigest()
    return texts
