"""Certificates of a chiral metal: conservation, balance, the range of the expansion, partners."""

from __future__ import annotations

import numpy as np

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.chiral_metal.boltzmann import Boltzmann
from chirospin.chiral_metal.closed_form import ClosedForm
from chirospin.chiral_metal.linear import slowest_decay
from chirospin.chiral_metal.model import ChiralMetal, positions, scales_of
from chirospin.chiral_metal.state import PROFILES, ChiralMetalState, Profiles
from chirospin.chiral_metal.validity import RANGE_CHECKS

SYMMETRY = 1e-10  # partners are solved on the same grid: only rounding is between them
GRID = 1e-5  # relative to the largest spin
INTERFACE = (
    0.1  # what a share of 0.05 of alpha^2 amounts to in an integral with the coefficient 1.75
)
ENERGIES = 1e-3  # of decays and densities; 7 nodes have 4e-6 where k_BT is 0.04 m v_F^2
PROFILED = (
    "spin_density",
    "spin_current",
    "operator_spin_current",
    "charge_density",
    "electric_field",
    "momentum_flux",
    "spin_sources",
)


def _overlap(model: ChiralMetal, state: ChiralMetalState) -> float | None:
    scales = state.scales
    return (
        None
        if scales.walls
        else float(np.exp(-slowest_decay(scales.memory, scales.screening) * scales.length))
    )


CHECKS = (
    Check(
        name="residual",
        tolerance=1e-8,
        about="of the linear system for the charge, relative",
        evaluate=lambda m, s: s.outcome.residual,
    ),
    Check(
        name="charge_current",
        tolerance=1e-5,
        about="j_e is j_0 between the planes at order 1 and zero at order 2",
        evaluate=lambda m, s: s.charge_current_error,
    ),
    Check(
        name="spin_balance",
        tolerance=1e-5,
        about="what flows into an interval is found in it, or turned by the fields",
        evaluate=lambda m, s: s.balance_error,
    ),
    Check(
        name="leading_alpha",
        tolerance=0.05,
        about="share alpha^2/v_F^2, or more with memory, left out of E_2, rho_2, j_s2, Pi_2, the sources "
        "and S_2 of p > 1; none by --method boltzmann",
        evaluate=lambda m, s: s.neglected,
        judges=PROFILED,
    ),
    Check(
        name="interface",
        tolerance=INTERFACE,
        about="share left out of interface_spin by the other plane, by leading_alpha or by the nodes of a "
        "thermal window; none by --method boltzmann",
        evaluate=lambda m, s: s.interface_error,
        judges=("interface_spin",),
    ),
    Check(
        name="energies",
        tolerance=ENERGIES,
        about="what the nodes of the thermal window miss, and its share beyond the crossing of the bands, "
        "where the second order is singular",
        evaluate=lambda m, s: s.energy_error,
        judges=(*PROFILED, "interface_spin"),
    ),
    *RANGE_CHECKS,
    Check(
        name="planes_apart",
        tolerance=float(np.exp(-5.0)),
        about="exp(-L/decay length of spin or field): nearer planes share the spin that interface_spin "
        "gives to one",
        evaluate=_overlap,
        judges=("interface_spin", "reversal_screening_length"),
    ),
)


def _profiles(method: Method, model: ChiralMetal) -> Profiles:
    profiles: Profiles = method.solve(model, [PROFILES]).profiles
    return profiles


def _difference(profiles: Profiles, other: Profiles, sign: float) -> float:
    """Largest |s - sign s'| at each order, over the largest spin of that order."""
    worst = 0.0
    for order in (0, 1):
        a, b = profiles.spin[order], sign * other.spin[order]
        known = np.isfinite(a) & np.isfinite(b)
        size = np.abs(a[known]).max(initial=0.0)
        if size:
            worst = max(worst, float(np.abs(a - b)[known].max() / size))
    return worst


def _enantiomer(model: ChiralMetal, method: Method) -> float:
    partner = model.replace(spin_orbit=-model.spin_orbit)
    return _difference(_profiles(method, model), _profiles(method, partner), -1.0)


def _mirror(model: ChiralMetal, method: Method) -> float:
    places = positions(model, scales_of(model))
    seen = _profiles(method, model.replace(position=places))
    turned = _profiles(method, model.replace(position=model.length - places))
    even, odd = seen.spin[0] - turned.spin[0], seen.spin[1] + turned.spin[1]
    sizes = np.abs(seen.spin).max(axis=1)
    known = [np.abs(d).max() / n for d, n in zip((even, odd), sizes, strict=True) if n > 0]
    return float(max(known, default=0.0))


def _achiral(model: ChiralMetal, method: Method) -> float:
    state = _profiles(method, model.replace(spin_orbit=0.0))
    return float(np.nanmax(np.abs(state.spin), initial=0.0))


def _finer_grid(model: ChiralMetal, method: Method) -> float | None:
    if not isinstance(method, Boltzmann):
        return None
    finer = method.with_options(
        cells=2 * method.cells,
        ordinates=min(64, 2 * method.ordinates),
        energies=min(24, method.energies + 3),
    )
    return _difference(_profiles(method, model), _profiles(finer, model), 1.0)


def _other_method(model: ChiralMetal, method: Method) -> float | None:
    if isinstance(method, Boltzmann) or not model.screening_length:
        return None
    return _difference(_profiles(method, model), _profiles(Boltzmann(), model), 1.0)


def _closed_form(model: ChiralMetal, method: Method) -> float | None:
    if isinstance(method, ClosedForm):
        return None
    return _difference(_profiles(ClosedForm(), model), _profiles(method, model), 1.0)


AUDITS = (
    Audit(
        name="enantiomer",
        tolerance=SYMMETRY,
        about="the spin of both orders changes sign with alpha",
        evaluate=_enantiomer,
    ),
    Audit(
        name="mirror",
        tolerance=GRID,
        about="s is even at order 1 and odd at order 2 under z -> L - z",
        evaluate=_mirror,
    ),
    Audit(
        name="achiral",
        tolerance=1e-12,
        about="no spin without spin-orbit coupling",
        evaluate=_achiral,
    ),
    Audit(
        name="finer_grid",
        tolerance=GRID,
        about="twice the cells and ordinates, and more energies, give the same spin",
        evaluate=_finer_grid,
    ),
    Audit(
        name="boltzmann",
        tolerance=GRID,
        about="the discretised equation gives the same spin, where a closed form is exact",
        evaluate=_other_method,
    ),
    Audit(
        name="closed_form",
        tolerance=GRID,
        about="the closed forms give the same spin, where they are known",
        evaluate=_closed_form,
    ),
)
