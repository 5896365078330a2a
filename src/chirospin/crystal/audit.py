"""Certificates of a crystal: is the integral done, is the spin operator one, is the Hamiltonian symmetric."""

from __future__ import annotations

import numpy as np

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.crystal.certificate import BOUND
from chirospin.crystal.model import Crystal, matrices_of
from chirospin.crystal.state import CrystalState
from chirospin.crystal.subject import kept_subject

SMALL = 1e-6  # eV of a defect that is rounding


def _known(value: float) -> float | None:
    """A defect, or None where the test has no meaning."""
    return None if np.isnan(value) else value


def _reciprocity(model: Crystal, state: CrystalState) -> float:
    """The charge tensor is symmetric; yields its relative asymmetry."""
    D = state.charge
    return float(np.abs(D - D.T).max() / (np.abs(D).max() or 1.0))


def _stable(model: Crystal, state: CrystalState) -> float:
    eigenvalues = np.linalg.eigvalsh((state.charge + state.charge.T) / 2)
    return float(eigenvalues.min() / (np.abs(eigenvalues).max() or 1.0))


def _reversal(model: Crystal, state: CrystalState) -> float | None:
    return None if state.certificate.magnetic else _known(state.certificate.tr_energy)


CHECKS = (
    Check(
        name="integration",
        tolerance=1e-2,
        about="largest error of an element, by the spread of coarser grids, over the largest element of its tensor",
        evaluate=lambda m, s: s.error,
    ),
    Check(
        name="reciprocity",
        tolerance=1e-10,
        about="the conductivity tensor is symmetric",
        evaluate=_reciprocity,
    ),
    Check(
        name="dissipation",
        tolerance=1e-12,
        bound="above",
        about="no direction of negative conductivity",
        evaluate=_stable,
    ),
    Check(
        name="tr_energy",
        tolerance=1e-3,
        about="|E(-k) - E(k)| of a crystal without moment, eV: else the file breaks time reversal",
        evaluate=_reversal,
    ),
    Check(
        name="tr_spin",
        tolerance=0.02,
        about="the spin turns round with k: above 0.05 the spin operator is wrong, from 0.02 in doubt",
        evaluate=lambda m, s: _known(s.certificate.tr_spin),
    ),
    Check(
        name="crystal_energy",
        tolerance=1e-3,
        about="|E(gk) - E(k)| of the point group, eV: above 0.1 the file lacks its symmetry, and what vanishes by it "
        "vanishes by accident or not at all",
        evaluate=lambda m, s: _known(s.certificate.crystal_energy),
    ),
    Check(
        name="crystal_spin",
        tolerance=0.01,
        about="the spin turns with the point group: above 0.03 the spin operator is wrong, from 0.01 in doubt",
        evaluate=lambda m, s: _known(s.certificate.crystal_spin),
    ),
    Check(
        name="spin_excess",
        tolerance=BOUND - 0.5,
        about="no eigenvalue of a spin component exceeds 1/2 by more",
        evaluate=lambda m, s: _known(max(s.certificate.excess, 0.0)),
    ),
    Check(
        name="ws_distance",
        tolerance=0.0,
        about="1 if the .win says use_ws_distance and no _wsvec.dat is there: bands off by up to 0.4 eV; wsvec=ignore "
        "says that it is meant",
        evaluate=lambda m, s: float(s.distances_missing),
    ),
)


def _inverted(model: Crystal, method: Method) -> float | None:
    """The other enantiomer of a built-in model."""
    if model.hamiltonian not in ("isotropic", "cubic"):
        return None
    one, other = (method.solve(m) for m in (model, model.replace(spin_orbit=-model.spin_orbit)))
    return float(np.abs(one.edelstein + other.edelstein).max() / (one.sizes["edelstein"] or 1.0))


def _noisy_centres(model: Crystal, method: Method) -> float | None:
    """Decades by which the defect of the point group falls at ten times the distance within which images are equal."""
    matrices = matrices_of(model)
    if matrices is None or ".chk" not in matrices.path.name:
        return None
    wider = model.replace(ws_tolerance=10 * model.ws_tolerance)
    here, there = (kept_subject(one).certificate.crystal_energy for one in (model, wider))
    if np.isnan(here) or here < SMALL:
        return None
    return float(np.log10(here / max(there, SMALL)))


AUDITS = (
    Audit(
        name="ws_tolerance",
        tolerance=1.0,
        about="decades by which the defect of the point group falls at ten times ws_tolerance: above 1 the centres are "
        "noisy, and the larger one is better",
        evaluate=_noisy_centres,
    ),
    Audit(
        name="enantiomer",
        tolerance=1e-9,
        about="current-induced spin changes sign with the handedness",
        evaluate=_inverted,
    ),
)
