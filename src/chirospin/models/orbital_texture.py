"""A helix of p orbitals whose states carry orbital momentum, with spin-orbit coupling at a contact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.observables import observable
from chirospin.models.helicene import ORBITAL_MOMENTUM, slater_koster, spin_orbit_block
from chirospin.models.model import (
    LARGEST,
    Molecule,
    OneElectronModel,
    contact,
    curve_energies,
    flat,
    hop_matrix,
    join,
    system,
)
from chirospin.models.sources import ABSTRACT, OWN, published

Real = NDArray[np.float64]
Complex = NDArray[Any]
P = 3
RISE = 0.1  # nm, of a site: only radius over rise matters


class OrbitalTexture(OneElectronModel):
    r"""N sites of p orbitals on a helix; spin-orbit coupling xi on the last site alone, as in a contact.

    .. math:: h = \sum_{n,ab} (c^+_{na} V_{ab}(\mathbf d_{n,n+1}) c_{n+1,b} + h.c.) + \xi\,\mathbf L_N\cdot\mathbf S_N

    The abstract has the idea, orbital momentum that a chiral molecule gives and a contact turns into spin;
    Hamiltonian and numbers are chosen here.

    References
    ----------
    liu_2021
    """

    length: int = published(8, symbol="N", low=2, high=130, about="number of sites", mark=OWN)
    hopping_pp_sigma: float = published(
        1.0, unit="eV", symbol=r"V_{pp\sigma}", about="p to p along the bond", mark=OWN
    )
    hopping_pp_pi: float = published(
        -0.3, unit="eV", symbol=r"V_{pp\pi}", about="p to p across the bond", mark=OWN
    )
    radius_over_rise: float = published(
        1.0, symbol=r"R/\Delta z", low=0, high=1e3, about="of the helix, per site", mark=OWN
    )
    twist: float = published(
        np.pi / 5, unit="rad", symbol=r"\Delta\varphi", about="from a site to the next", mark=OWN
    )
    spin_orbit: float = published(
        0.01, unit="eV", symbol=r"\xi", about="xi L.S of the last site", mark=ABSTRACT
    )
    wavevector: float = published(
        0.7,
        unit="rad",
        symbol="ka",
        about="phase from a site to the next, for the texture",
        mark=OWN,
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the twist", mark=OWN
    )
    lead_coupling: float = published(
        1.0,
        unit="eV",
        symbol=r"\Gamma",
        above=0,
        high=LARGEST,
        about="of the p orbitals of both ends",
        mark=OWN,
    )
    fermi_energy: float = published(
        0.2, unit="eV", symbol="E_F", low=-LARGEST, high=LARGEST, about="mean potential", mark=OWN
    )

    def molecule(self) -> Molecule:
        """Sites along the helix, orbitals p_x, p_y, p_z."""
        count = self.length
        places = _helix(self, np.arange(count))
        h = hop_matrix(P * count)
        for n in range(count - 1):
            hop = _hop(self, places[n + 1] - places[n])
            for a in range(P):
                for b in range(P):
                    join(h, P * n + a, P * (n + 1) + b, hop[a, b] * np.eye(2, dtype=complex))
        h[-P:, :, -P:, :] += spin_orbit_block(ORBITAL_MOMENTUM, self.spin_orbit)
        ends = list(range(P)), list(range(P * (count - 1), P * count))
        return Molecule(
            hamiltonian=flat(h),
            positions=places,
            sites=tuple(np.repeat(np.arange(count), P).tolist()),
            left=contact(ends[0], P * count),
            right=contact(ends[1], P * count),
        )


def _turn(model: OrbitalTexture) -> float:
    """Angle from a site to the next, rad."""
    return model.handedness * model.twist


def _helix(model: OrbitalTexture, n: NDArray[np.int64]) -> Real:
    """Places of sites, (n, 3), nm."""
    angle = _turn(model) * n
    radius = RISE * model.radius_over_rise
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), RISE * n], axis=-1)


def _hop(model: OrbitalTexture, d: Real) -> Real:
    """Hops between p orbitals of neighbours, (3, 3), eV."""
    return slater_koster(d, 0.0, 0.0, model.hopping_pp_sigma, model.hopping_pp_pi)[1:, 1:]


def texture(model: OrbitalTexture) -> tuple[Real, Real]:
    r"""Bands of the endless helix and their orbital momentum at the model's wavevector.

    In axes that turn with the sites, :math:`h(k) = V R e^{ika} + h.c.` with the rotation R from a site to
    the next.

    Returns
    -------
    energies (eV) and :math:`\langle L_z\rangle`, (band,)
    """
    angle = _turn(model)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    places = _helix(model, np.arange(2))
    forward = _hop(model, places[1] - places[0]) @ turn * np.exp(1j * model.wavevector)
    energies, states = np.linalg.eigh(forward + forward.conj().T)
    moment = np.einsum("ab,ac,cb->b", states.conj(), ORBITAL_MOMENTUM[2], states).real
    return energies, moment


@observable(unit="eV", symbol="E_k", dims=("band",))
def band_energy(model: OrbitalTexture, state: Any) -> Real:
    """Energy of the bands of the endless helix at the wavevector."""
    return texture(model)[0]


@observable(unit="1", symbol=r"\langle L_z\rangle", dims=("band",))
def orbital_moment(model: OrbitalTexture, state: Any) -> Real:
    """Orbital momentum along z of the bands at the wavevector, in hbar; odd in it and in the handedness."""
    return texture(model)[1]


@observable(unit="1", symbol="L_s", dims=("energy",))
def transmitted_orbital_moment(model: OrbitalTexture, state: Any) -> Real:
    r"""Orbital momentum along z of what arrives in the right lead, in hbar for each electron.

    .. math:: Tr[\Gamma_R L_z G\Gamma_L G^+] / Tr[\Gamma_R G\Gamma_L G^+]
    """
    made = system(model)
    size = len(made.hamiltonian)
    left, right = (np.kron(one.coupling, np.eye(2)) for one in (made.left, made.right))
    loss = 0.5j * (left + right + sum(made.probe_matrices, np.zeros_like(left)))
    moment = np.zeros_like(left)
    moment[-2 * P :, -2 * P :] = np.kron(ORBITAL_MOMENTUM[2], np.eye(2))
    found = []
    for E in curve_energies(model):
        G = np.linalg.inv(E * np.eye(size) - made.hamiltonian + loss)
        flow = G @ left @ G.conj().T @ right
        found.append(np.trace(moment @ flow).real / np.trace(flow).real)
    return np.array(found)


TEXTURE_OBSERVABLES = (band_energy, orbital_moment, transmitted_orbital_moment)
