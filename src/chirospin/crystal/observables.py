"""Observables of a crystal, in the units and index orders of the codes that people compare with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import constants

from chirospin.base.observables import observable
from chirospin.crystal.bloch import Array
from chirospin.crystal.model import TENSORS, Crystal
from chirospin.crystal.state import CrystalState, per_current

MU_B = constants.value("Bohr magneton")  # J/T
PER_NM2 = 1e18  # 1/m^2
GME_SPIN = -2 * MU_B * PER_NM2  # A nm^2: s in hbar has the moment -2 mu_B s
GME_ORBITAL = constants.e**2 / (2 * constants.hbar)  # S; times eV/e is A
OHMIC_FEMTOSECOND = constants.e**2 / constants.hbar**2 * constants.e * 1e-15 * 1e9
"""S/m per eV/nm of D at a relaxation time of 1 fs."""
CURRENT = 1e4  # A/m^2: 1 A/cm^2
_SPIN = "the functions have no spin (spin=none)"


def _error(name: str) -> Callable[[Crystal, CrystalState], Array]:
    def found(model: Crystal, state: CrystalState) -> Array:
        value = getattr(state, name)
        return np.where(np.isnan(value), np.nan, state.errors.get(name, np.nan * value))

    return found


def _gme_error(model: Crystal, state: CrystalState) -> Array:
    return np.asarray(abs(GME_SPIN) * _error("edelstein")(model, state).T)


def _orbital_error(model: Crystal, state: CrystalState) -> Array:
    return np.asarray(GME_ORBITAL * _error("orbital")(model, state))


@observable(
    unit="1/nm^2",
    symbol=r"\chi_{ij}",
    dims=("spin", "field"),
    error=_error("edelstein"),
    undefined=_SPIN,
)
def edelstein_tensor(model: Crystal, state: CrystalState) -> Array:
    r"""Current-induced spin: s_i = q tau chi_ij E_j, in hbar.

    .. math:: \chi_{ij} = \sum_n \int\frac{d^3k}{(2\pi)^3} \langle s_i\rangle v_j\, (-f_0')

    References
    ----------
    yoshimi_2026, Eq. (7a)
    """
    return state.edelstein


@observable(unit="eV/nm", symbol="D_{ij}", dims=("flow", "field"), error=_error("charge"))
def charge_tensor(model: Crystal, state: CrystalState) -> Array:
    r"""Conductivity over q^2 tau: the sum of v_i v_j on the Fermi surface; 3.698e5 S/m at 1 fs."""
    return state.charge


@observable(
    unit="eV", symbol="K_{ijkl}", dims=("spin", "flow", "field", "second_field"), error=_error("slope"),
    undefined="it takes spin, and bands that do not touch within 1e-6 eV", needs=("slope",), default=False,
)  # fmt: skip
def spin_current_tensor(model: Crystal, state: CrystalState) -> Array:
    r"""Spin current of second order with the band velocity: j_s,ij = (q tau)^2 K_ijkl E_k E_l.

    .. math:: K_{ijkl} = \sum_n \int\frac{d^3k}{(2\pi)^3} \partial_k(\langle s_i\rangle v_j)\, v_l\,
              (-f_0')

    References
    ----------
    yoshimi_2026, Eqs. (6b), (7b)
    """
    return state.slope


@observable(
    unit="eV", symbol=r"K^\mathrm{op}_{ijkl}", dims=("spin", "flow", "field", "second_field"),
    error=_error("operator"),
    undefined="it takes what spin_current_tensor does, and of a file the position operator (_tb.dat, _XX_R_AA.npz)",
    needs=("operator",), default=False,
)  # fmt: skip
def operator_spin_current_tensor(model: Crystal, state: CrystalState) -> Array:
    r"""The same for the operator {s_i, v_j}/2 instead of the product of expectation values.

    All elements of the velocity enter, so that a file must have the position operator A.

    .. math:: K^\mathrm{op}_{ijkl} = \sum_n \int\frac{d^3k}{(2\pi)^3}
              \partial_k\big\langle\tfrac12\{s_i, v_j\}\big\rangle\, v_l\, (-f_0'), \quad v = \partial_kH + i[H, A]
    """
    return state.operator


def _ratio_error(model: Crystal, state: CrystalState) -> Array:
    """Of chi D^-1 as it differs between grids."""
    nothing = np.full((3, 3), np.nan)
    return np.asarray(nothing if state.spinless else state.errors.get("per_current", nothing))


_SINGULAR = f"no conduction in some direction: the Fermi level lies in a gap; or {_SPIN}"


@observable(
    unit="1/(eV*nm)", symbol=r"(\chi D^{-1})_{ij}", dims=("spin", "flow"), error=_ratio_error,
    undefined=_SINGULAR,
)  # fmt: skip
def spin_per_current(model: Crystal, state: CrystalState) -> Array:
    r"""Spin per current density, free of the relaxation time: s_i = (1/q) (chi D^-1)_ij j_j."""
    return per_current(state.edelstein, state.charge)


def _tesla(value: Array) -> Array:
    """mT at 1 A/cm^2: mu_0 M = -mu_0 2 mu_B s with s = -(chi/D) j hbar/e^2 of electrons."""
    s = -value * 1e9 / constants.e * constants.hbar / constants.e * CURRENT  # hbar per m^3
    return np.asarray(-constants.mu_0 * 2 * MU_B * s * 1e3)


@observable(
    unit="mT", symbol=r"\mu_0 M_{ij}", dims=("spin", "flow"), undefined=_SINGULAR,
    error=lambda m, s: np.abs(_tesla(_ratio_error(m, s))),
)  # fmt: skip
def spin_per_current_field_mT(model: Crystal, state: CrystalState) -> Array:
    r"""Field mu_0 M of the induced spin at 1 A/cm^2; the hyperfine field at a nucleus is another quantity."""
    return _tesla(per_current(state.edelstein, state.charge))


@observable(
    unit="A",
    symbol=r"K^\mathrm{spin}_{ji}",
    dims=("field", "spin"),
    error=_gme_error,
    undefined=_SPIN,
)
def gme_spin(model: Crystal, state: CrystalState) -> Array:
    r"""Kinetic magnetoelectric tensor of the spin as WannierBerri prints it: velocity first, A.

    .. math:: K = -2\mu_B\,\chi^T
    """
    return np.asarray(GME_SPIN * state.edelstein.T)


@observable(
    unit="A", symbol=r"K^\mathrm{orb}_{ac}", dims=("field", "moment"), error=_orbital_error,
    undefined="it takes a file with centres", needs=("orbital",), default=False,
)  # fmt: skip
def orbital_internal(model: Crystal, state: CrystalState) -> Array:
    r"""Internal part of the orbital kinetic magnetoelectric tensor, velocity first, A.

    The velocity is that of the Hamiltonian with the centres of the functions: without the off-diagonal position
    operator this is WannierBerri's with `external_terms=False`, not the whole orbital moment.

    .. math:: K_{ac} = \frac{e^2}{2\hbar} \sum_n\int\frac{d^3k}{(2\pi)^3} v_aL_c\,(-f_0'), \quad
              L_c = \epsilon_{abc}\,\mathrm{Im}\sum_l \frac{V^a_{nl}V^b_{ln}}{E_l-E_n}
    """
    return np.asarray(GME_ORBITAL * state.orbital)


@observable(
    unit="1", symbol=r"|X-PX|/A", dims=("tensor",),
    undefined="it takes a point group that was not used to leave points out",
)  # fmt: skip
def symmetry_defect(model: Crystal, state: CrystalState) -> Array:
    """What the mean over the point group would change of each tensor, over its size without cancellation."""
    return np.array([state.defects.get(name, np.nan) for name in TENSORS])


@observable(
    unit="1", symbol="c", dims=("certificate",),
    undefined="no symmetry test without a point group (point_group), with energies off by 0.02 eV, or of a k.p model",
)  # fmt: skip
def spin_certificate(model: Crystal, state: CrystalState) -> Array:
    """Pointwise defects of the spin operator under time reversal, point group and algebra."""
    return state.certificate.rows


OBSERVABLES = (
    edelstein_tensor,
    charge_tensor,
    spin_per_current,
    spin_per_current_field_mT,
    gme_spin,
    orbital_internal,
    spin_current_tensor,
    operator_spin_current_tensor,
    symmetry_defect,
    spin_certificate,
)
