"""[n]Helicene with s and p orbitals on carbon and intra-atomic spin-orbit coupling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.models.model import (
    LARGEST,
    Molecule,
    OneElectronModel,
    contact,
    flat,
    hop_matrix,
    join,
    spinor,
)
from chirospin.models.sources import OWN, PUBLIC_CODE, published

Real = NDArray[np.float64]
Complex = NDArray[Any]

S, X, Y, Z = range(4)
PER_ATOM = 4
BOND = 0.14  # nm, radius of the inner ring of atoms
PITCH = 0.36  # nm a turn
LONGEST_BOND = 0.17  # nm
LEVI_CIVITA = np.zeros((3, 3, 3))
for _i, _j, _k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    LEVI_CIVITA[_i, _j, _k], LEVI_CIVITA[_j, _i, _k] = 1.0, -1.0
ORBITAL_MOMENTUM = -1j * LEVI_CIVITA
"""(L_k)_ab of p orbitals x, y, z: -i epsilon_kab, (component, orbital, orbital)."""


class Helicene(OneElectronModel):
    r"""Carbon atoms of [n]helicene, orbitals s, p_x, p_y, p_z, bonds below 0.17 nm.

    .. math:: h = \sum_{ia} \epsilon_a n_{ia} + \sum_{\langle ij\rangle ab} c^+_{ia} V_{ab}(\mathbf d_{ij})
              c_{jb} + \xi \sum_i \mathbf L_i\cdot\mathbf S_i

    Slater-Koster hoppings without a law of distance; energies are counted from the level of p_z. Public
    code lets the hopping of s orbitals enter with a positive sign, which is the default here. Hydrogen and
    the gold and sulphur of the published leads are left out.

    References
    ----------
    geyer_2019, huisman_thijssen_2021
    """

    rings: int = published(6, symbol="n", low=2, high=16, about="benzene rings", mark=PUBLIC_CODE)
    energy_sigma: float = published(
        -7.5, unit="eV", symbol=r"\epsilon_\sigma", about="of s, p_x and p_y", mark=PUBLIC_CODE
    )
    energy_pi: float = published(
        0.0, unit="eV", symbol=r"\epsilon_\pi", about="of p_z", mark=PUBLIC_CODE
    )
    hopping_ss: float = published(
        7.92,
        unit="eV",
        symbol=r"V_{ss\sigma}",
        about="s to s; -7.92 in the table of the code, 7.92 as its program uses it",
        mark=PUBLIC_CODE,
    )
    hopping_sp: float = published(
        8.08, unit="eV", symbol=r"V_{sp\sigma}", about="s to p along the bond", mark=PUBLIC_CODE
    )
    hopping_pp_sigma: float = published(
        7.09, unit="eV", symbol=r"V_{pp\sigma}", about="p to p along the bond", mark=PUBLIC_CODE
    )
    hopping_pp_pi: float = published(
        -3.44, unit="eV", symbol=r"V_{pp\pi}", about="p to p across the bond", mark=PUBLIC_CODE
    )
    spin_orbit: float = published(
        0.006, unit="eV", symbol=r"\xi", about="xi L.S, S = sigma/2", mark=PUBLIC_CODE
    )
    spin_frame: str = published(
        "global",
        symbol=r"\mathrm{frame}",
        choices=("global", "local"),
        about="local is a control: L in axes that turn with the atom, S in fixed ones",
        mark=PUBLIC_CODE,
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the angles", mark=OWN
    )
    contact_atoms: int = published(
        2,
        symbol="n_c",
        choices=(1, 2),
        about="end atoms whose p_z touches a lead: inner, or inner and middle",
        mark=OWN,
    )
    lead_coupling: float = published(
        1.0, unit="eV", symbol=r"\Gamma", above=0, high=LARGEST, about="of a p_z orbital", mark=OWN
    )
    fermi_energy: float = published(
        0.3, unit="eV", symbol="E_F", low=-LARGEST, high=LARGEST, about="mean potential", mark=OWN
    )

    def molecule(self) -> Molecule:
        """Atoms inner, middle, outer, each along the helix; orbitals s, p_x, p_y, p_z."""
        angle, radius = atoms(self.rings)
        angle = self.handedness * angle
        height = PITCH * np.abs(angle) / (2 * np.pi)
        places = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=-1)
        count = len(places)
        h = hop_matrix(PER_ATOM * count)
        for i in range(count):
            own = slice(PER_ATOM * i, PER_ATOM * (i + 1))
            h[own, :, own, :] += np.einsum(
                "ab,st->asbt", np.diag([self.energy_sigma] * 3 + [self.energy_pi]), np.eye(2)
            )
            L = _turned(angle[i]) if self.spin_frame == "local" else ORBITAL_MOMENTUM
            h[
                PER_ATOM * i + X : PER_ATOM * (i + 1), :, PER_ATOM * i + X : PER_ATOM * (i + 1), :
            ] += spin_orbit_block(L, self.spin_orbit)
        pps, ppp = self.hopping_pp_sigma, self.hopping_pp_pi
        for i, j in bonds(places):
            hop = slater_koster(places[j] - places[i], self.hopping_ss, self.hopping_sp, pps, ppp)
            for a, b in np.argwhere(hop):
                join(h, PER_ATOM * i + a, PER_ATOM * j + b, hop[a, b] * np.eye(2, dtype=complex))
        first = [0, self.rings + 1][: self.contact_atoms]
        last = [self.rings, 2 * self.rings + 1][: self.contact_atoms]
        size = PER_ATOM * count
        return Molecule(
            hamiltonian=flat(h),
            positions=places,
            sites=tuple(np.repeat(np.arange(count), PER_ATOM).tolist()),
            left=contact([PER_ATOM * i + Z for i in first], size),
            right=contact([PER_ATOM * i + Z for i in last], size),
        )


def atoms(rings: int) -> tuple[Real, Real]:
    r"""Angles (rad) and distances from the axis (nm) of the 4n + 2 carbon atoms.

    .. math:: r = 0.14, 0.28, 0.14\sqrt7; \quad \varphi = i\pi/3, \; i\pi/3, \;
              i\pi/3 + (\pi/3 \mp a)/2, \quad a = 2\arcsin(1/2\sqrt7)
    """
    third, a = np.pi / 3, 2 * np.arcsin(1 / (2 * np.sqrt(7)))
    ends = third * np.arange(rings + 1)
    sides = (third * np.arange(rings))[:, None] + np.array([third - a, third + a]) / 2
    radius = BOND * np.repeat([1, 2, np.sqrt(7)], [rings + 1, rings + 1, 2 * rings])
    return np.concatenate([ends, ends, sides.ravel()]), radius


def bonds(places: Real) -> NDArray[np.int64]:
    """Pairs of atoms nearer than the longest bond, (bond, 2)."""
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    return np.argwhere(np.triu(apart < LONGEST_BOND, k=1))


def slater_koster(d: Real, ss: float, sp: float, pps: float, ppp: float) -> Real:
    r"""Hops from s, p_x, p_y, p_z of an atom at d to those of an atom at 0, (4, 4), eV.

    .. math:: V_{s p_a} = l_a V_{sp\sigma}, \quad V_{p_a s} = -l_a V_{sp\sigma}, \quad
              V_{p_a p_b} = l_a l_b (V_{pp\sigma} - V_{pp\pi}) + \delta_{ab} V_{pp\pi}
    """
    axis = d / np.linalg.norm(d)
    V = np.empty((PER_ATOM, PER_ATOM))
    V[S, S] = ss
    V[S, X:] = sp * axis
    V[X:, S] = -sp * axis
    V[X:, X:] = (pps - ppp) * np.outer(axis, axis) + ppp * np.eye(3)
    return V


def spin_orbit_block(L: Any, strength: float) -> Complex:
    """xi L.S of three p orbitals, (orbital, spin, orbital, spin), eV; L of shape (3, 3, 3)."""
    sigma = np.array([spinor(axis) for axis in np.eye(3)])
    return np.asarray(strength / 2 * np.einsum("kab,kst->asbt", L, sigma))


def _turned(angle: float) -> Complex:
    """L in axes that turn about z with an atom, paired with spins that do not."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return np.asarray(np.einsum("lk,lab->kab", turn, ORBITAL_MOMENTUM))
