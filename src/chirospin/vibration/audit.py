"""Certificates of a vibrating level: positivity, symmetry, other routes, the exact answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.fermi import bose, fermi
from chirospin.base.method import FailedState, Method
from chirospin.vibration.born import by_eigenvectors, by_star, self_energy_poles, star_matrix
from chirospin.vibration.exact import Exact
from chirospin.vibration.ladder import CROSSING, Rung, anywhere
from chirospin.vibration.model import (
    Level,
    Vibration,
    bath,
    broken_time_reversal,
    channels,
    level_of,
    time_reversed,
)
from chirospin.vibration.scba import SCBA, hartree
from chirospin.vibration.second_order import SecondOrder
from chirospin.vibration.state import VibrationState
from chirospin.vibration.validity import strength, turned_away
from chirospin.vibration.windowed import Windowed

EVEN = 1e-12  # breaking of time reversal below this is none


def _positivity(model: Vibration, state: VibrationState) -> float:
    values = np.linalg.eigvalsh(state.density)
    return float(min(values.min(), 1 - values.max()))


def _hermiticity(model: Vibration, state: VibrationState) -> float:
    return float(np.abs(state.density - state.density.conj().T).max())


def _norm(model: Vibration, state: VibrationState) -> float | None:
    return None if state.norm is None else state.norm - 1


def _even(model: Vibration, state: VibrationState) -> float | None:
    if broken_time_reversal(level_of(model)) > EVEN:
        return None
    return float(np.linalg.norm(state.moment))


def _crossing(model: Vibration, state: VibrationState) -> float:
    search = state.parts[CROSSING]
    return np.nan if isinstance(search, FailedState) else search.defect


def _direction(model: Vibration, state: VibrationState) -> float | None:
    return turned_away(level_of(model), state.moment) if state.expanded else None


def _strength(model: Vibration, state: VibrationState) -> float | None:
    return strength(level_of(model)) if state.expanded else None


CHECKS = (
    Check(
        name="residual",
        tolerance=1e-8,
        about="of the self-consistency",
        evaluate=lambda m, s: s.outcome.residual,
    ),
    Check(
        name="positivity",
        tolerance=1e-9,
        bound="above",
        about="occupations of all spin states lie between 0 and 1",
        evaluate=_positivity,
    ),
    Check(
        name="hermiticity",
        tolerance=1e-10,
        about="of the density matrix",
        evaluate=_hermiticity,
    ),
    Check(
        name="time_reversal",
        tolerance=1e-12,
        about="no moment where no term is odd under time reversal",
        evaluate=_even,
    ),
    Check(
        name="norm",
        tolerance=1e-6,
        about="the spectral function that was integrated holds one state per spin",
        evaluate=_norm,
    ),
    Check(
        name="truncation",
        tolerance=1e-8,
        about="weight of the highest quanta, or change with twice the frequencies",
        evaluate=lambda m, s: s.truncation,
    ),
    Check(
        name="other_solutions",
        tolerance=0.0,  # a number of solutions
        about="other self-consistent densities met; given is the one that grows from zero coupling: see exact",
        evaluate=lambda m, s: s.other_solutions,
    ),
    Check(
        name="hubbard_left_out",
        tolerance=0.0,
        about="repulsion in meV that only the method exact knows",
        evaluate=lambda m, s: s.left_out,
    ),
    Check(
        name="direction",
        tolerance=0.3,  # 46 degrees; calibrated with the next one on 300 random points
        about="one less the cosine with the exact moment, or with that of displaced vibrations",
        evaluate=_direction,
    ),
    Check(
        name="strength",
        tolerance=7.0,  # of 300 random points, none below and along had the wrong sign
        about="polaron energy over k_BT, where nothing commutes: the expansion is off beyond",
        evaluate=_strength,
    ),
    Check(
        name="crossover_residual",
        tolerance=1e-10,
        about="moment left at a sign change, over the largest of the search",
        evaluate=_crossing,
        needs=(CROSSING,),
        judges=("crossover", "crossover_count"),
    ),
)


def _size(moment: object) -> float:
    return float(np.linalg.norm(np.asarray(moment)))


def _scale(model: Vibration, moment: object) -> float:
    """What a moment is compared with: itself, or a whole spin where time reversal lets it be rounding."""
    odd = broken_time_reversal(level_of(model)) > EVEN
    return max(_size(moment), 1e-12) if odd else 1.0


def _turned(model: Vibration, method: Method) -> float:
    """Turn every vector by the same rotation."""
    axis = np.array([0.48, 0.6, 0.64])
    cross = np.cross(np.eye(3), axis)
    turn = np.eye(3) + np.sin(0.7) * cross.T + (1 - np.cos(0.7)) * cross.T @ cross.T
    changes = {
        name: turn @ np.array(getattr(model, name))
        for name in ("level_splitting", "spin_coupling", "momentum_coupling")
    }
    if model.mode_couplings is not None:
        half = np.cos(0.35) * np.eye(2) - 1j * np.sin(0.35) * np.array(
            [[axis[2], axis[0] - 1j * axis[1]], [axis[0] + 1j * axis[1], -axis[2]]]
        )
        changes["mode_couplings"] = half @ np.array(model.mode_couplings) @ half.conj().T
    before, after = method.solve(model), method.solve(model.replace(**changes))
    return _size(turn @ before.moment - after.moment) / _scale(model, before.moment)


def _reversed(model: Vibration, method: Method) -> float:
    """The time-reversed Hamiltonian has the opposite moment."""
    changes = {
        "level_splitting": -np.array(model.level_splitting),
        "spin_coupling": -np.array(model.spin_coupling),
    }
    if model.mode_couplings is not None:
        changes["mode_couplings"] = np.array(
            [time_reversed(np.array(U)) for U in model.mode_couplings]
        )
    before, after = method.solve(model), method.solve(model.replace(**changes))
    return _size(before.moment + after.moment) / _scale(model, before.moment)


def _star_sums(model: Vibration, method: Method) -> float | None:
    """Norm, mean and variance of the star's spectrum against the sums over vibrations."""
    if not isinstance(method, SecondOrder):
        return None
    level = level_of(model)
    if level.width:
        return None
    star = star_matrix(level, self_energy_poles(level))
    values, vectors = np.linalg.eigh(star)
    corner = vectors[:2]
    first, second = ((corner * values**k) @ corner.conj().T for k in (1, 2))
    whole = corner @ corner.conj().T
    variance = _total_variance(level)
    scale = max(float(np.trace(variance).real), 1e-300)
    return float(
        max(
            np.abs(whole - np.eye(2)).max(),
            np.abs(first - level.energy).max() / max(np.abs(values).max(), 1e-300),
            np.abs(second - level.energy @ level.energy - variance).max() / scale
            if scale > 1e-10 * float(np.abs(values).max()) ** 2
            else 0.0,
        )
    )


def _total_variance(level: Level) -> NDArray[np.complex128]:
    """Sum over vibrations of U P U^+ (1-f+n) + U^+ P U (f+n) from thermal means alone."""
    values, states = np.linalg.eigh(level.energy)
    f = (states * fermi(values / level.thermal_energy)) @ states.conj().T
    total = np.zeros((2, 2), dtype=complex)
    for w, U in zip(level.frequencies, level.couplings, strict=True):
        n = float(bose(w / level.thermal_energy))
        total += U @ ((1 + n) * np.eye(2) - f) @ U.conj().T + U.conj().T @ (n * np.eye(2) + f) @ U
    return total


def _other_route(model: Vibration, method: Method) -> float | None:
    if not isinstance(method, SecondOrder):
        return None
    level = level_of(model)
    if level.width:
        return None
    thermal = by_eigenvectors(level, self_energy_poles(level))
    return float(np.abs(thermal.density - method.solve(model).density).max())


def _finer_bath(model: Vibration, method: Method) -> float | None:
    """Twice the nodes of a continuous bath, in the density matrix."""
    if not isinstance(method, SecondOrder):
        return None
    one, other = (level_of(model, finer) for finer in (1, 2))
    if len(one.frequencies) == len(other.frequencies) or one.width:
        return None
    found = [by_star(here, self_energy_poles(here)).density for here in (one, other)]
    return float(np.abs(found[0] - found[1]).max())


def _finer_spectrum(model: Vibration, method: Method) -> float | None:
    """Twice the nodes of a continuous bath, in the spectrum over its peak."""
    if not isinstance(method, (SecondOrder, SCBA, Exact)) or not bath(model).continuous:
        return None
    one, two = (method.spectrum_of(model, finer) for finer in (1, 2))
    if one is None or two is None:
        return None
    return float(np.abs(one - two).max() / np.abs(one).max())


def _finer_window(model: Vibration, method: Method) -> float | None:
    """Twice the nodes of a continuous bath, in the moment of a window."""
    if not isinstance(method, Windowed) or not bath(model).continuous:
        return None
    one, two = (method.moment_of(model, finer) for finer in (1, 2))
    return _size(one - two) / _scale(model, one)


def _exact_sign(model: Vibration, method: Method) -> float | None:
    """How far the moment points away from the exact one: 0 along it, 2 against it."""
    if isinstance(method, Exact) or not isinstance(method, Rung):
        return None
    try:
        exact = Exact().solve(model).moment
    except (ModelError, ConvergenceError):
        return None
    mine = method.solve(model).moment
    sizes = _size(exact) * _size(mine)
    return 1 - float(exact @ mine) / sizes if sizes > 1e-24 else None


def _crossovers_beyond_exact(model: Vibration, method: Method) -> float | None:
    """Sign changes that this rung shows and the exact answer does not."""
    if isinstance(method, Exact) or not isinstance(method, Rung):
        return None
    try:
        exact = Exact(coldest=method.coldest, hottest=method.hottest).crossing(anywhere(model))
    except (ModelError, ConvergenceError):
        return None
    mine = method.crossing(anywhere(model))
    return float(max(0, len(mine.thermal_energies) - len(exact.thermal_energies)))


def _accurate(model: Vibration, method: Method) -> float | None:
    """The emulation against the same theory without window and broadening."""
    if not isinstance(method, Windowed):
        return None
    right = SecondOrder().solve(model).moment
    return _size(method.solve(model).moment - right) / max(_size(right), 1e-300)


def _spectral_mean(model: Vibration, method: Method) -> float | None:
    """The exact spectrum has its mean at the level with the Hartree shift of the exact density."""
    if not isinstance(method, Exact) or model.hubbard:
        return None
    return method.mean_defect(model, hartree(level_of(model), method.solve(model).density))


def _common(model: Vibration, method: Method) -> float | None:
    """The independent boson against diagonalisation, where both are possible."""
    level = level_of(model)
    if not isinstance(method, Exact) or channels(level) is None or len(level.frequencies) > 1:
        return None
    try:
        return method.disagreement(model)
    except (ModelError, ConvergenceError):
        return None


AUDITS = (
    Audit(
        name="rotation",
        tolerance=1e-8,
        about="the moment turns with all vectors",
        evaluate=_turned,
    ),
    Audit(
        name="time_reversed",
        tolerance=1e-8,
        about="the time-reversed Hamiltonian has the opposite moment",
        evaluate=_reversed,
    ),
    Audit(
        name="sum_rules",
        tolerance=1e-9,
        about="norm, mean and variance of the spectrum",
        evaluate=_star_sums,
    ),
    Audit(
        name="eigenvectors",
        tolerance=1e-12,
        about="the density matrix by all eigenvectors of the star",
        evaluate=_other_route,
    ),
    Audit(
        name="finer_bath",
        tolerance=1e-12,
        about="twice the nodes of a continuous bath, in the density matrix",
        evaluate=_finer_bath,
    ),
    Audit(
        name="finer_spectrum",
        tolerance=1e-7,  # of exact, whose nodes hold their phases until all but e^-20 has faded
        about="twice the nodes of a continuous bath, in the spectrum over its peak",
        evaluate=_finer_spectrum,
    ),
    Audit(
        name="finer_window",
        tolerance=1e-8,  # of rounding in a sum over the window, relative to the moment
        about="twice the nodes of a continuous bath, in the moment of the window",
        evaluate=_finer_window,
    ),
    Audit(
        name="second_order",
        tolerance=1e-3,
        about="the emulation meets the theory that it emulates",
        evaluate=_accurate,
    ),
    Audit(
        name="exact_direction",
        tolerance=1e-3,
        about="the moment points along the exact one",
        evaluate=_exact_sign,
    ),
    Audit(
        name="sign_changes",
        tolerance=0.0,
        about="sign changes with temperature that the exact answer does not have",
        evaluate=_crossovers_beyond_exact,
    ),
    Audit(
        name="spectral_mean",
        tolerance=1e-8,
        about="mean of the exact spectrum: the level with its Hartree shift",
        evaluate=_spectral_mean,
    ),
    Audit(
        name="diagonalisation",
        tolerance=1e-9,
        about="independent bosons against explicit quanta, for one mode",
        evaluate=_common,
    ),
)
