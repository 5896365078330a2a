"""Certificates of a one-electron model: unitarity, currents that balance, and six exact laws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.models.landauer import Landauer
from chirospin.models.model import OneElectronModel, curve_energies, system, window
from chirospin.models.state import Curve, ScatteringState
from chirospin.scattering.currents import ROUNDING
from chirospin.scattering.laws import (
    REMEDY,
    coherent_premise,
    keeping_premise,
    one_channel_premise,
    real_lead_premise,
    real_probe_premise,
    spin_at_first_order,
    time_reversal_premise,
    tree_premise,
)
from chirospin.scattering.probes import probe_kind
from chirospin.scattering.system import System

UNITARITY = 1e-10  # eigenvectors of modes that nearly merge, before the factorisation takes over
BALANCE = 1e-9  # of the current: rounding of fillings where little of it is direct
INTEGRAL = 1e-9  # last Legendre terms of all panels
EVEN = 1e-12  # rounding of a Hamiltonian that a builder assembles
LAW = 1e-12  # of the largest transmission: factorisations at single energies
FIRST_ORDER = 1e-10  # of P over the strength of the coupling: derivative by exact differences
ROUTES = 1e-9  # eigenvectors against factorisations
SAMPLES = 7  # energies of the curve at which a law is tried
LEAST = 1e-6  # of the largest transmission: below it ratios are rounding

Premise = Callable[[OneElectronModel], list[str]]


def _balance(model: OneElectronModel, state: ScatteringState) -> float:
    channels = np.linalg.matrix_rank(system(model).left.matrix)
    worst = [0.0]
    for current in state.currents:
        size = max(abs(current.left), abs(current.right))
        most = channels * current.filling.largest  # if all channels were open
        rounding = 2 * ROUNDING / BALANCE * float(np.sqrt(size * most))  # of amplitudes
        worst.append(abs(current.left - current.right) / max(size, rounding, 1e-300))
    return max(worst)


def _time_reversal(model: OneElectronModel, state: ScatteringState) -> float:
    found = system(model)
    return found.time_reversal_odd / max(found.energy_scale, 1e-300)


CHECKS = (
    Check(
        name="unitarity",
        tolerance=UNITARITY,
        about="what leaves all channels is what enters, relative to the largest transmission",
        evaluate=lambda m, s: float(s.curve.defect.max()),
        needs=("curve",),
        judges=(
            "transmission",
            "transmitted_spin",
            "mean_transmitted_spin",
            "transmitted_spin_vector",
        ),
    ),
    Check(
        name="time_reversal",
        tolerance=EVEN,
        about="part of the Hamiltonian odd under time reversal, relative: a magnet, or a slip; it polarises",
        evaluate=_time_reversal,
    ),
    Check(
        name="current_balance",
        tolerance=BALANCE,
        about="I_L + I_R = 0: no probe carries a current, relative, beyond the rounding of amplitudes",
        evaluate=_balance,
        needs=("currents",),
        judges=("current", "current_spin_polarisation", "current_transmitted_spin"),
    ),
    Check(
        name="integration",
        tolerance=INTEGRAL,
        about="last terms of the integrals over energy, relative",
        evaluate=lambda m, s: max(one.integration for one in s.currents),
        needs=("currents",),
        judges=("current", "current_spin_polarisation", "current_transmitted_spin"),
    ),
)


def _of_system(*premises: Callable[[System], list[str]]) -> Premise:
    return lambda model: [line for premise in premises for line in premise(system(model))]


def _curve(model: OneElectronModel, *, eigenvectors: bool = False) -> Curve:
    """The unmagnetised curve, by factorisations unless eigenvectors are wanted."""
    method = Landauer(eigenvectors=eigenvectors)
    curve: Curve = method.curves(system(model), curve_energies(model), frozenset({"curve"}))[
        "curve"
    ]
    return curve


def _no_spin(model: OneElectronModel, method: Landauer) -> float:
    spin = _curve(model).flow.spin
    return float(np.abs(spin[:, 1:]).max() / max(float(spin[:, 0].max()), 1e-300))


def _first_order(component: slice) -> Callable[[OneElectronModel, Landauer], float]:
    def value(model: OneElectronModel, method: Landauer) -> float:
        at = _sampled(model)
        return float(np.abs(spin_at_first_order(system(model), at)[:, component]).max())

    return value


def _sampled(model: OneElectronModel) -> NDArray[np.float64]:
    """Some energies of the curve at which something is transmitted."""
    at, flow = curve_energies(model), _curve(model).flow.right
    open_ = at[flow >= LEAST * flow.max()]
    return np.asarray(open_[np.unique(np.linspace(0, len(open_) - 1, SAMPLES).astype(int))])


def _no_magnetoresistance(model: OneElectronModel, method: Landauer) -> float:
    up, down, _ = method.solve(model, ("currents",)).currents
    return float(abs(up.right - down.right) / max(abs(up.right + down.right), 1e-300))


def _vanishing_bias(model: OneElectronModel) -> list[str]:
    drive = window(model)
    if probe_kind(model) == "voltage" and drive.kind == "bias" and drive.bias:
        return [f"there are voltage probes at a bias of {drive.bias:g} eV"]
    return []


def _mirror(model: OneElectronModel, method: Landauer) -> float:
    one, other = (_curve(m).flow.spin for m in (model, _image(model)))
    return float(np.abs(one[:, 3] + other[:, 3]).max() / max(float(one[:, 0].max()), 1e-300))


def _image(model: OneElectronModel) -> OneElectronModel:
    return model.replace(handedness=-getattr(model, "handedness"))  # noqa: B009


def _no_image(model: OneElectronModel) -> list[str]:
    if "handedness" not in type(model).model_fields:
        return ["the model has no mirror image"]
    same = np.array_equal(system(_image(model)).hamiltonian, system(model).hamiltonian)
    return ["its handedness changes nothing, so there is no mirror image"] if same else []


def _unmagnetised_right(model: OneElectronModel) -> list[str]:
    magnetic = bool(np.any(system(model).right.polarisation))
    return ["the right lead is magnetic"] if magnetic else []


def _routes(model: OneElectronModel, method: Landauer) -> float:
    one, other = (_curve(model, eigenvectors=use).flow.spin for use in (True, False))
    return float(np.abs(one - other).max() / max(float(one[:, 0].max()), 1e-300))


def _law(
    name: str,
    about: str,
    premise: Premise,
    evaluate: Callable[[OneElectronModel, Landauer], float],
    tolerance: float = LAW,
    remedy: str = f"else there is {REMEDY}",
) -> Audit:
    """A law that does not apply where a premise is missing, which leaves open what it forbids."""
    forbidden = about.partition(": ")[2] or about

    def unmet(model: OneElectronModel, method: Landauer) -> str:
        missing = ", ".join(premise(model))
        return f"{missing}; it is free to break: {forbidden}" if missing else ""

    return Audit(
        name=name,
        about=f"{about}; {remedy}",
        tolerance=tolerance,
        evaluate=evaluate,
        unmet=unmet,
    )


EVEN_PREMISES = (time_reversal_premise, real_lead_premise)
LAWS = (
    _law(
        "law_tree",
        "one orbital a site and no loops: no spin is transmitted",
        _of_system(*EVEN_PREMISES, tree_premise),
        _no_spin,
    ),
    _law(
        "law_one_channel",
        "one channel into the right lead and no probes: no spin is transmitted",
        _of_system(*EVEN_PREMISES, one_channel_premise),
        _no_spin,
    ),
    _law(
        "law_first_order",
        "no probes: P_s has no first order in the spin-orbit coupling",
        _of_system(*EVEN_PREMISES, coherent_premise),
        _first_order(slice(0, 3)),
        FIRST_ORDER,
    ),
    _law(
        "law_spin_keeping_probes",
        "elastic probes that keep the spin along z: P_s along z has no first order",
        _of_system(*EVEN_PREMISES, real_probe_premise, keeping_premise),
        _first_order(slice(2, 3)),
        FIRST_ORDER,
    ),
    _law(
        "law_no_magnetoresistance",
        "no probes, elastic ones, or voltage probes for V -> 0: P_MR = 0",
        lambda model: [
            *_of_system(*EVEN_PREMISES, real_probe_premise)(model),
            *_vanishing_bias(model),
        ],
        _no_magnetoresistance,
        1e-11,  # two integrals over energy, each to some 1e-13
    ),
    _law(
        "law_mirror",
        "the mirror image: P_s along z is the opposite",
        lambda model: [*_no_image(model), *_unmagnetised_right(model)],
        _mirror,
        remedy="else handedness = -1 does not mirror all of hops, leads and probes, or there is a field",
    ),
)
"""The six laws, each with what it asks for."""

AUDITS = (
    *LAWS,
    Audit(
        name="routes",
        about="eigenvectors of the decaying modes and factorisations give the same curves",
        tolerance=ROUTES,
        evaluate=_routes,
    ),
)
