r"""Whether a spin operator can be one: pointwise tests, free of any choice of phases or basis.

.. math:: F_i(k, E) = \sum_n \langle s_i\rangle_n g_n \Big/ \sum_n g_n, \quad
          g_n = \eta^2/((E - E_n(k))^2 + \eta^2)

Time reversal demands F(-k, E) = -F(k, E), an element g of the point group F(gk, E) = det(g) g F(k, E). The trace is
smooth in E, since bands that nearly touch fall into other groups at k and at gk where H itself is only nearly
symmetric. A small tensor is no certificate: a wrong spin may sum to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chirospin.crystal.bloch import Array, Bloch
from chirospin.wannier.real_space import Operation

SAMPLES = 12
SHARPEST, WIDER = 1e-3, 30.0  # eV; of the energy defect
UNDECIDED = 0.02  # eV of an energy defect above which right and wrong spins read alike
MOMENT = 0.02  # hbar per cell, of the lowest bands filled, beyond which a crystal without time reversal is magnetic
BOUND = 0.5 * 1.02
"""Largest eigenvalue of a spin component, with 2 % for functions that are no complete set (GaAs: 0.501)."""


@dataclass(frozen=True, kw_only=True)
class SpinCertificate:
    """Defects, 0 for a sound crystal; NaN where a test has no meaning.

    Parameters
    ----------
    tr_energy, crystal_energy : largest ``|E(gk) - E(k)|``, eV
    tr_spin, crystal_spin : largest change of the smooth trace beyond that of the symmetry, hbar
    excess : by how much an eigenvalue of S_i exceeds 1/2
    trace : ``|Tr S_i|``/n
    commutator : norm of [S_x, S_y] - i S_z; not 0 for a truncated set
    magnetic : time reversal is broken and there is a moment
    """

    tr_energy: float = np.nan
    tr_spin: float = np.nan
    crystal_energy: float = np.nan
    crystal_spin: float = np.nan
    excess: float = np.nan
    trace: float = np.nan
    commutator: float = np.nan
    magnetic: bool = False

    @property
    def rows(self) -> Array:
        """The seven numbers in order."""
        return np.array([
            self.tr_energy, self.tr_spin, self.crystal_energy, self.crystal_spin,
            self.excess, self.trace, self.commutator,
        ])  # fmt: skip


def certify(
    bloch: Bloch, operations: tuple[Operation, ...] | None, *, spinless: bool = False
) -> SpinCertificate:
    """The certificate of a periodic Hamiltonian and its spin.

    Parameters
    ----------
    operations : the magnetic point group, or None where it is not known
    spinless : only energies are tested
    """
    assert bloch.cell is not None
    k = (np.random.default_rng(0).random((SAMPLES, 3)) - 0.5) @ bloch.cell
    E, s = _bands(bloch, k)
    back, reversed_spin = _bands(bloch, -k)
    tr_energy = float(np.abs(back - E).max())
    width = max(SHARPEST, WIDER * tr_energy)
    F, F_back = _smooth(E, E, s, width), _smooth(E, back, reversed_spin, width)
    filled = np.cumsum(s + reversed_spin, axis=2).mean(axis=0)  # of the lowest bands, k and -k
    moment = float(np.abs(filled).max())
    magnetic = tr_energy > UNDECIDED and moment > MOMENT
    tr_spin = np.nan if tr_energy > UNDECIDED else float(np.abs(F_back + F).max())
    crystal_energy, crystal_spin = _crystal(bloch, k, E, s, operations)
    if spinless:
        return SpinCertificate(tr_energy=tr_energy, crystal_energy=crystal_energy)
    return SpinCertificate(
        tr_energy=tr_energy,
        tr_spin=tr_spin,
        crystal_energy=crystal_energy,
        crystal_spin=crystal_spin,
        magnetic=magnetic,
        **_algebra(bloch, k),
    )


def _bands(bloch: Bloch, k: Array) -> tuple[Array, Array]:
    """Energies (points, n) and spins (points, 3, n)."""
    E, U = np.linalg.eigh(bloch.hamiltonian(k))
    S = bloch.pieces(k, slopes=False).spin
    return E, np.einsum(
        "pan,piab,pbn->pin", U.conj(), np.broadcast_to(S, (len(k), *S.shape[1:])), U
    ).real


def _smooth(at: Array, E: Array, s: Array, width: float) -> Array:
    """F_i(k, E) at the energies `at` of each point, (points, energies, 3)."""
    g = width**2 / ((at[:, :, None] - E[:, None, :]) ** 2 + width**2)
    return np.asarray(np.einsum("pen,pin->pei", g, s) / g.sum(axis=2)[..., None])


def _crystal(
    bloch: Bloch, k: Array, E: Array, s: Array, operations: tuple[Operation, ...] | None
) -> tuple[float, float]:
    """Largest defects of energy and spin over the elements of the group."""
    if not operations:
        return np.nan, np.nan
    images = []
    energy = 0.0
    for g in operations:
        sign = -1.0 if g.reversal else 1.0
        there, turned = _bands(bloch, sign * k @ g.rotation.T)
        energy = max(energy, float(np.abs(there - E).max()))
        images.append((sign * np.linalg.det(g.rotation) * g.rotation, there, turned))
    if energy > UNDECIDED:
        return energy, np.nan
    width = max(SHARPEST, WIDER * energy)
    F = _smooth(E, E, s, width)
    spin = max(
        float(np.abs(_smooth(E, there, turned, width) - F @ R.T).max())
        for R, there, turned in images
    )
    return energy, spin


def _algebra(bloch: Bloch, k: Array) -> dict[str, float]:
    S = bloch.pieces(k, slopes=False).spin
    n = S.shape[-1]
    commutator = S[:, 0] @ S[:, 1] - S[:, 1] @ S[:, 0] - 1j * S[:, 2]
    return {
        "excess": float(np.abs(np.linalg.eigvalsh(S)).max()) - 0.5,
        "trace": float(np.abs(np.einsum("pinn->pi", S)).max()) / n,
        "commutator": float(np.linalg.norm(commutator, ord=2, axis=(1, 2)).max()),
    }
