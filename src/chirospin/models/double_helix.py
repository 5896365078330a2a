"""The double helix: two strands of sites with spin-orbit hops, joined at every pair."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np

from chirospin.models.model import (
    LARGEST,
    MOST_SITES,
    Molecule,
    OneElectronModel,
    contact,
    flat,
    hop_matrix,
    join,
    raise_level,
    spinor,
)
from chirospin.models.sources import MEMORY, OWN, published

RADIUS, RISE = 0.7, 0.34  # nm


class DoubleHelix(OneElectronModel):
    r"""Two strands j = 1, 2 of N sites each.

    .. math::
        h = \sum_{jn} \epsilon_j n_{jn} + [t_j c^+_{jn} c_{j,n+1}
            + i t_{so} c^+_{jn} (s_n^j + s_{n+1}^j) c_{j,n+1} + h.c.]
            + \lambda \sum_n (c^+_{1n} c_{2n} + h.c.), \\
        s_n^j = \sigma_z\cos\theta - (-1)^j \sin\theta\,(\sigma_x \sin n\varphi - \sigma_y\cos n\varphi)

    Published: abstract read. The Hamiltonian and its numbers are written from memory: verify.

    References
    ----------
    guo_sun_2012
    """

    base_pairs: int = published(
        30, symbol="N", low=2, high=MOST_SITES // 2, about="sites of a strand", mark=MEMORY
    )
    energy_1: float = published(
        0.0, unit="eV", symbol=r"\epsilon_1", about="level of strand 1", mark=MEMORY
    )
    energy_2: float = published(
        0.3, unit="eV", symbol=r"\epsilon_2", about="level of strand 2", mark=MEMORY
    )
    hopping_1: float = published(
        0.12, unit="eV", symbol="t_1", about="hopping along strand 1", mark=MEMORY
    )
    hopping_2: float = published(
        -0.1, unit="eV", symbol="t_2", about="hopping along strand 2", mark=MEMORY
    )
    hopping_between: float = published(
        -0.3, unit="eV", symbol=r"\lambda", about="hopping within a pair", mark=MEMORY
    )
    spin_orbit: float = published(
        0.01, unit="eV", symbol="t_{so}", about="spin-orbit hopping along a strand", mark=MEMORY
    )
    twist: float = published(
        np.pi / 5, unit="rad", symbol=r"\Delta\varphi", about="from a pair to the next", mark=MEMORY
    )
    helix_angle: float = published(
        0.66,
        unit="rad",
        symbol=r"\theta",
        about="rise against the circle: atan(0.34/(0.7 twist)), lengths in nm",
        mark=MEMORY,
    )
    handedness: int = published(
        1,
        symbol=r"\chi",
        choices=(1, -1),
        about="-1: twist reversed and theta -> pi - theta",
        mark=OWN,
    )
    lead: str = published(
        "one",
        symbol=r"\mathrm{lead}",
        choices=("one", "each"),
        about="both strands in one channel of a lead, or each in its own",
        mark=MEMORY,
    )
    lead_coupling: float = published(
        1.0, unit="eV", symbol=r"\Gamma", above=0, high=LARGEST, about="of a channel", mark=MEMORY
    )
    probe: str = published(
        "dephasing",
        symbol=r"\mathrm{probe}",
        choices=("none", "dephasing", "voltage"),
        about="on every site; the paper's have no current at the energy asked for",
        mark=MEMORY,
    )
    probe_coupling: float = published(
        0.005, unit="eV", symbol=r"\Gamma_d", low=0, high=LARGEST, about="of a probe", mark=MEMORY
    )
    fermi_energy: float = published(
        0.485, unit="eV", symbol="E_F", low=-LARGEST, high=LARGEST, about="mean potential", mark=OWN
    )

    def molecule(self) -> Molecule:
        """Sites ordered by pair, then strand."""
        pairs, chi = self.base_pairs, self.handedness
        theta = self.helix_angle if chi > 0 else np.pi - self.helix_angle
        angle = chi * self.twist * np.arange(pairs)
        across = np.stack([np.sin(angle), -np.cos(angle), 0 * angle], axis=-1)
        h = hop_matrix(2 * pairs)
        strands = (
            (1.0, self.energy_1, self.hopping_1),
            (-1.0, self.energy_2, self.hopping_2),
        )
        for n in range(pairs):
            join(h, 2 * n, 2 * n + 1, self.hopping_between * np.eye(2, dtype=complex))
            for j, (sign, energy, hopping) in enumerate(strands):
                raise_level(h, 2 * n + j, energy)
                if n + 1 < pairs:
                    turn = sign * np.sin(theta) * (across[n] + across[n + 1])
                    vector = turn + np.array([0, 0, 2 * np.cos(theta)])
                    block = hopping * np.eye(2) + 1j * self.spin_orbit * spinor(vector)
                    join(h, 2 * n + j, 2 * (n + 1) + j, block)
        channel = cast(Literal["one", "each"], self.lead)
        size = 2 * pairs
        return Molecule(
            hamiltonian=flat(h),
            positions=_positions(angle),
            sites=tuple(range(size)),
            left=contact([0, 1], size, channel),
            right=contact([size - 2, size - 1], size, channel),
        )


def _positions(angle: np.ndarray) -> np.ndarray:
    """Sites of both strands on a cylinder, (2N, 3), nm."""
    both = np.stack([angle, angle + np.pi], axis=-1).ravel()
    rise = RISE * np.repeat(np.arange(len(angle)), 2)
    return np.stack([RADIUS * np.cos(both), RADIUS * np.sin(both), rise], axis=-1)
