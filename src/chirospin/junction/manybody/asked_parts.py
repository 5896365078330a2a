"""Parts of a state that take another model, or that some methods cannot give."""

from __future__ import annotations

from typing import Any, NoReturn

from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.parts import Part
from chirospin.junction.manybody.full_counting import CUMULANTS, FLUCTUATION, GENERATING
from chirospin.junction.manybody.green import GREEN
from chirospin.junction.model import wholly_reversed

SYMMETRIC = "symmetric"
"""The state that the fluctuation symmetry is read from: magnetisation down reverses every lead."""


def refuse_counting(method: Method, model: Any) -> NoReturn:
    """Say who counts."""
    raise ModelError(
        f"Observables of the counted charge must be asked of a master equation, but method {method.name} counts "
        "no electrons; gksl does at infinite bias, redfield, perlind, ule and kms at finite bias"
    )


def refuse_green(method: Method, model: Any) -> NoReturn:
    """Say who has a Green function."""
    raise ModelError(
        "Observables of the Green function must be asked of a master equation, but method "
        f"{method.name} has no many-body Green function; gksl has at infinite bias, redfield, perlind, ule and "
        "kms at finite bias"
    )


ASKED_PARTS = (
    Part(
        name=SYMMETRIC,
        about="generating function, all magnets reversed together",
        at=wholly_reversed,
        needs=(FLUCTUATION,),
    ),
    Part(
        name=CUMULANTS,
        about="cumulants of the counted charge",
        at=lambda m: m,
        find=refuse_counting,
    ),
    Part(
        name=GENERATING,
        about="generating function of the counted charge",
        at=lambda m: m,
        find=refuse_counting,
    ),
    Part(
        name=GREEN,
        about="Green function of the many-body state",
        at=lambda m: m,
        find=refuse_green,
    ),
)
