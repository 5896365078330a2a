r"""Exact laws of electrons that do not repel each other, and what each of them asks of a system.

A law gives premises, sentences that say what is missing, and a number that is zero where none is.

1. On a tree of sites with one orbital each no spin is transmitted: every hop :math:`t + i\mathbf v\cdot
   \boldsymbol\sigma` is a number times a rotation, which a turn of the next site's spin takes away. Probes
   that keep the spin along z change nothing: a rotation takes up to down as often as down to up.
2. Through one channel into the right lead no spin is transmitted: its reflection is antisymmetric,
   :math:`r \propto i\sigma_y`, so :math:`1 - r r^+` is a number.
3. Without probes the transmitted spin begins at second order in the spin-orbit coupling: at first order one
   component is left, two Hamiltonians :math:`A \pm C_k` that are each other's conjugates, and two terminals
   transmit alike in both directions.
4. Elastic probes that keep the spin along z leave that so for z; probes that mix it do not.
5. The magnetisation of one lead does not show in the current: without probes or with elastic ones at any bias,
   with voltage probes for a vanishing one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chirospin.scattering.amplitudes import (
    FIRST_PROBE,
    LEFT,
    RIGHT,
    Channels,
)
from chirospin.scattering.system import Complex, Real, System

ZERO = 1e-12  # of the largest element: below it a matrix element is rounding
REMEDY = "polarised injection, broken time reversal or an interaction"
"""What a polarisation needs that a law forbids."""


def time_reversal_premise(system: System) -> list[str]:
    """The Hamiltonian is even under time reversal."""
    odd = system.time_reversal_odd
    if odd <= ZERO * max(system.energy_scale, 1e-300):
        return []
    return [f"the Hamiltonian has a part odd under time reversal of {odd:.3g} eV"]


def real_lead_premise(system: System) -> list[str]:
    """Both leads couple through real vectors of orbitals, the right one to both spins alike."""
    missing = []
    for name, lead in (("left", system.left), ("right", system.right)):
        size = float(np.abs(lead.coupling).max())
        odd = float(np.abs(lead.coupling.imag).max())
        if odd > ZERO * size:
            missing.append(f"the {name} lead has a complex coupling, imaginary part {odd:.3g} eV")
    if np.any(system.right.polarisation):
        missing.append("the right lead is magnetic")
    return missing


def real_probe_premise(system: System) -> list[str]:
    """Probes couple through real vectors, and time reversal maps the set of reservoirs onto itself."""
    missing = []
    if any(np.abs(W.imag).max() > ZERO * np.abs(W).max() for W in system.probes):
        missing.append("a probe has a complex coupling")
    spins = [np.array(s, dtype=complex) for s in system.probe_spins]
    flip = np.array([[0, -1j], [1j, 0]])
    partners = [flip @ s.conj() @ flip for s in spins]
    if system.probes and not all(any(np.allclose(p, s) for s in spins) for p in partners):
        missing.append("the probes hold one spin and not its partner under time reversal")
    return missing


def tree_premise(system: System) -> list[str]:
    """One orbital a site, hops without a closed path, couplings that join no two sites."""
    missing = []
    if len(set(system.site_of.tolist())) < system.orbitals:
        missing.append("a site has several orbitals")
    else:
        bonds = _bonds(system)
        parts = _components(bonds)
        if len(np.argwhere(np.triu(bonds))) > system.orbitals - parts:
            missing.append("the hops close a loop")
    named = [("left lead", system.left.coupling), ("right lead", system.right.coupling)]
    named += [("probe", W) for W in system.probes]
    for name, W in named:
        beside = W - np.diag(np.diag(W))
        if np.abs(beside).max() > ZERO * np.abs(W).max():
            missing.append(f"a channel of the {name} joins two sites, which closes a loop")
            break
    return missing


def one_channel_premise(system: System) -> list[str]:
    """The right lead has one channel, and there are no probes."""
    levels = np.linalg.eigvalsh(system.right.coupling)
    count = int((levels > ZERO * levels[-1]).sum())
    missing = [f"the right lead has {count} channels"] if count > 1 else []
    return missing + (["there are probes"] if system.probes else [])


def coherent_premise(system: System) -> list[str]:
    """There are no probes."""
    return ["there are probes"] if system.probes else []


def keeping_premise(system: System) -> list[str]:
    """There are probes, each with a reservoir for either spin along z."""
    if not system.probes:
        return ["there are no probes"]
    return ["the probes mix the spins"] if len(system.probe_spins) == 1 else []


def _bonds(system: System) -> NDArray[np.bool_]:
    """Which orbitals a hop joins, (orbitals, orbitals)."""
    n = system.orbitals
    sizes = np.abs(system.hamiltonian.reshape(n, 2, n, 2)).max(axis=(1, 3))
    joined = sizes > ZERO * max(float(sizes.max()), 1e-300)
    np.fill_diagonal(joined, val=False)
    return np.asarray(joined)


def _components(bonds: NDArray[np.bool_]) -> int:
    """Number of parts that no bond joins."""
    from scipy.sparse.csgraph import connected_components

    return int(connected_components(bonds, directed=False)[0])


def spin_at_first_order(system: System, energies: Real) -> Real:
    r"""Derivative of the transmitted polarisation by the strength of all spin-orbit coupling, at none.

    .. math:: \left.\frac{d P_k}{d\lambda}\right|_0, \qquad h = A\otimes 1 + \lambda\sum_k C_k\otimes\sigma_k

    Elastic probes, left lead not magnetised.

    Returns
    -------
    (energy, 3): spin along x, y, z
    """
    channels = Channels(system=system)
    V = channels.vectors
    h0 = np.kron(system.spin_free, np.eye(2))
    change = system.hamiltonian - h0
    K = h0 - 0.5j * V @ V.conj().T
    one = np.eye(len(h0))
    rows = []
    for E in energies:
        G = np.linalg.inv(E * one - K)
        GV, VG = G @ V, V.conj().T @ G
        rows.append(_slope(channels, V.conj().T @ GV, VG @ change @ GV))
    return np.array(rows)


def _slope(channels: Channels, S: Complex, dS: Complex) -> Real:
    """Derivative of the polarisation from amplitudes and their derivative, (3,)."""
    transmissions = channels.transmissions(S[None], 0.0)
    above, below = (channels.transmissions((S + s * dS)[None], 0.0) for s in (1, -1))
    T, dT = transmissions.between[0], (above.between[0] - below.between[0]) / 2
    X, dX = transmissions.spin[0], (above.spin[0] - below.spin[0]) / 2
    matrix, right = _filling_equation(T)
    d_matrix, d_right = _filling_equation(dT)
    filling = np.linalg.solve(matrix, right)
    d_filling = np.linalg.solve(matrix, d_right - d_matrix @ filling)
    source = np.concatenate([[1.0, 0.0], filling])
    d_source = np.concatenate([[0.0, 0.0], d_filling])
    spin, d_spin = X @ source, dX @ source + X @ d_source
    return np.asarray((d_spin[1:] * spin[0] - spin[1:] * d_spin[0]) / spin[0] ** 2)


def _filling_equation(T: Real) -> tuple[Real, Real]:
    """Matrix and right side of the fillings of elastic probes; linear in T."""
    inner = T[FIRST_PROBE:, FIRST_PROBE:]
    others = inner - np.diag(np.diag(inner))
    total = others.sum(axis=1) + T[FIRST_PROBE:, LEFT] + T[FIRST_PROBE:, RIGHT]
    return np.diag(total) - others, T[FIRST_PROBE:, LEFT]


def with_spin_orbit(system: System, factor: float) -> System:
    """The system with all its spin-orbit coupling times a factor."""
    h0 = np.kron(system.spin_free, np.eye(2))
    return replace(system, hamiltonian=np.asarray(h0 + factor * (system.hamiltonian - h0)))
