"""An observable is a pure function of model and state, with its unit and symbol declared once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from chirospin.base.errors import ModelError

_MARKUP = re.compile(r":\w+:`([^`]*)`")
Function = Callable[[Any, Any], Any]


@dataclass(frozen=True, kw_only=True)
class Observable:
    """A labelled quantity.

    Parameters
    ----------
    name, unit, symbol, about : for coordinates, axes and help
    dims : names of its own dimensions, in order
    function : (model, state) -> array
    unit_in : model -> unit, where that depends on the model; ``unit`` is then that of the defaults
    needs : parts of the state that function and error read, given by the method or the problem
    error_needs : further parts, which only the error reads
    default : whether it is found when no observables are named, or model -> that
    conversion : SI equivalent in words, if the unit has one
    undefined : why the value may be NaN although the solve converged
    error : (model, state) -> absolute numerical error of the value, in its unit; a value below it is zero
    """

    name: str
    unit: str
    symbol: str
    about: str
    dims: tuple[str, ...]
    function: Function
    conversion: str = ""
    undefined: str = ""
    error: Function | None = None
    unit_in: Callable[[Any], str] | None = None
    needs: tuple[str, ...] = ()
    error_needs: tuple[str, ...] = ()
    default: bool | Callable[[Any], bool] = True

    def unasked(self, model: Any | None) -> bool:
        """Whether it is found of this model, or of none in particular, when no observables are named."""
        if isinstance(self.default, bool):
            return self.default
        return model is not None and self.default(model)

    def __call__(self, model: Any, state: Any) -> NDArray[Any]:
        """The value for one model and state.

        Raises
        ------
        ModelError : the state was solved without a part that is needed
        """
        missing = [name for name in self.needs if name not in state.parts]
        if missing:
            raise ModelError(
                f"Observable `{self.name}` needs {' and '.join(missing)}, which this state was solved "
                "without; take the state from Problem.state"
            )
        value: NDArray[Any] = self.function(model, state)
        return value

    def seen_in(self, models: Sequence[Any]) -> Observable:
        """The same observable with its unit in these models.

        Raises
        ------
        ModelError : the models have different units
        """
        if self.unit_in is None:
            return self
        units = {self.unit_in(model) for model in models} or {self.unit}
        if len(units) > 1:
            raise ModelError(
                f"Observable `{self.name}` has different units at the points of this grid "
                f"({', '.join(sorted(units))}); solve them one by one"
            )
        (unit,) = units
        return replace(self, unit=unit, conversion=self.conversion if unit == self.unit else "")


def observable(
    *,
    unit: str,
    symbol: str,
    dims: tuple[str, ...] = (),
    conversion: str = "",
    undefined: str = "",
    name: str = "",
    error: Function | None = None,
    unit_in: Callable[[Any], str] | None = None,
    needs: tuple[str, ...] = (),
    error_needs: tuple[str, ...] = (),
    default: bool | Callable[[Any], bool] = True,
) -> Callable[[Function], Observable]:
    """Declare an observable; its first docstring line and, if not given, its name come from the function."""

    def declare(function: Function) -> Observable:
        about = _MARKUP.sub(r"\1", (function.__doc__ or "").strip().splitlines()[0])
        return Observable(
            name=name or function.__name__,
            unit=unit,
            symbol=symbol,
            about=about,
            dims=dims,
            function=function,
            conversion=conversion,
            undefined=undefined,
            error=error,
            unit_in=unit_in,
            needs=needs,
            error_needs=error_needs,
            default=default,
        )

    return declare
