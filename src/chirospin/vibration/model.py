"""A level coupled to vibrations by its charge and its spin: the parameters and what they amount to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, Shape, axis_parameter, parameter
from chirospin.base.spin import PAULI
from chirospin.vibration.bath import MOST, Bath, bath_of

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
COMPONENTS = ("x", "y", "z")
SPINS = ("up", "down")
CHANNELS = ("weak", "strong")
MATRICES = ("1", "sigma_x", "sigma_y", "sigma_z")
SMALLEST, LARGEST = 1e-6, 1e6  # meV, 12 nanokelvin to a kiloelectronvolt
ROOTS = 3  # crossover temperatures that a result can hold
REACH = 2.5  # of the default energies around zero, meV, the window of the paper's figures
PARALLEL = 1e-13  # couplings that differ less, relative, are multiples of each other
MERGED = 1e-13  # commutators below this, relative, are zero
BATHS = ("acoustic", "einstein", "debye", "modes", "spectrum")
FROM_MODES = ("mode_energies", "mode_couplings")


class Vibration(Model):
    r"""A level and a thermal reservoir of vibrations.

    .. math:: H = \psi^\dagger\varepsilon\psi + \sum_q \omega_q b_q^\dagger b_q
              + \sum_q \psi^\dagger (U_q b_q + U_q^\dagger b_q^\dagger) \psi
              + U_H n_\uparrow n_\downarrow

    .. math:: \varepsilon = \varepsilon_0 + \boldsymbol\varepsilon_1\cdot\boldsymbol\sigma, \qquad
              U = u_0 + (\mathbf u_1 + i \mathbf v_1)\cdot\boldsymbol\sigma

    References
    ----------
    fransson_closed_shell, Eqs. (1), (9)
    """

    level: float = parameter(
        0.1,
        unit="meV",
        symbol=r"\varepsilon_0",
        low=-LARGEST,
        high=LARGEST,
        about="energy of the level",
    )
    level_splitting: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0),
        unit="meV",
        symbol=r"\boldsymbol{\varepsilon}_1",
        shape=Shape(axes=(3,)),
        about="bare field on the spin; the level splits by twice its length",
    )
    charge_coupling: float = parameter(
        0.01,
        unit="meV",
        symbol="u_0",
        low=-LARGEST,
        high=LARGEST,
        about="of every vibration to the charge of the level",
    )
    spin_coupling: tuple[float, ...] = parameter(
        (0.01, 0.0, 0.0),
        unit="meV",
        symbol=r"\mathbf{u}_1",
        shape=Shape(axes=(3,)),
        about="of every displacement to the spin; it breaks time reversal",
    )
    momentum_coupling: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0),
        unit="meV",
        symbol=r"\mathbf{v}_1",
        shape=Shape(axes=(3,)),
        about="of every momentum to the spin; it keeps time reversal",
    )
    bath: str = parameter("acoustic", symbol="J", choices=BATHS, about="what the vibrations are")
    phonon_velocity: float = parameter(
        0.01,
        unit="meV",
        symbol="c",
        low=SMALLEST,
        high=LARGEST,
        about="acoustic: energy over dimensionless wavevector",
    )
    phonon_energy: float = parameter(
        1.0,
        unit="meV",
        symbol=r"\omega_0",
        low=SMALLEST,
        high=LARGEST,
        about="einstein: the mode; debye: the highest",
    )
    phonon_number: float = parameter(
        1.0,
        symbol="N",
        low=0,
        high=LARGEST,
        about="einstein: modes; debye: atoms with three modes each",
    )
    bath_dimension: int = parameter(3, symbol="d", choices=(1, 2, 3), about="acoustic")
    bath_cutoff: float = parameter(
        float(np.pi), symbol="q_c", low=SMALLEST, high=1e4, about="acoustic: largest wavevector"
    )
    bath_onset: float = parameter(
        0.0, symbol="q_{min}", low=0, about="acoustic: smallest wavevector"
    )
    bath_norm: str = parameter(
        "density",
        symbol="K",
        choices=("density", "per-mode"),
        about="acoustic: q per cell, or one mode in all",
    )
    mode_energies: tuple[float, ...] | None = parameter(
        None, unit="meV", symbol=r"\omega_q", shape=Shape(axes=("M",)), about="bath = modes"
    )
    mode_couplings: tuple[Any, ...] | None = parameter(
        None,
        unit="meV",
        symbol="U_q",
        shape=Shape(axes=("M", 2, 2), kind=complex),
        about="bath = modes: any matrix for each, instead of the common one",
    )
    spectrum: str = parameter(
        "none",
        symbol="J(\\omega)",
        about="bath = spectrum: a function FILE.py:NAME, or a table FILE.csv of energy and J",
    )
    spectrum_range: tuple[float, ...] | None = parameter(
        None,
        unit="meV",
        symbol=r"[\omega_a, \omega_b]",
        shape=Shape(axes=(2,)),
        about="bath = spectrum: where J is not zero",
    )
    thermal_energy: float = parameter(
        10.0, unit="meV", symbol="k_BT", low=SMALLEST, high=LARGEST, about="of both"
    )
    chemical_potential: float = parameter(
        0.0, unit="meV", symbol=r"\mu", low=-LARGEST, high=LARGEST, about="of the electrons"
    )
    reservoir_coupling: float = parameter(
        0.0,
        unit="meV",
        symbol=r"\gamma",
        low=0,
        high=LARGEST,
        about="half width that a wide band of electrons gives the level",
    )
    hubbard: float = parameter(
        0.0,
        unit="meV",
        symbol="U_H",
        low=-LARGEST,
        high=LARGEST,
        about="repulsion of two electrons in the level",
    )
    energy: tuple[float, ...] | None = axis_parameter(
        "E",
        unit="meV",
        symbol=r"\omega",
        about="where spectra are wanted; -2.5 to 2.5 if not given",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Vibration:
        for name in (
            "level_splitting",
            "spin_coupling",
            "momentum_coupling",
            "mode_couplings",
            "energy",
        ):
            sizes = np.abs(np.array(getattr(self, name) or 0.0)).ravel()
            if sizes.max(initial=0.0) > LARGEST:
                raise ModelError(
                    f"Parameter `{name}` must have entries of size at most {LARGEST:g} (in meV), but has "
                    f"{sizes.max():g}"
                )
        for name, unused in (("spectrum", "none"), ("spectrum_range", None)):
            if self.bath != "spectrum" and getattr(self, name) != unused:
                raise ModelError(
                    f"Parameter `{name}` must be left out unless `bath` is spectrum, but is "
                    f"{getattr(self, name)!r} and bath is {self.bath}; add bath=spectrum"
                )
        given = self.bath == "modes"
        for name in FROM_MODES:
            if not given and getattr(self, name) is not None:
                raise ModelError(
                    f"Parameter `{name}` must be left out unless `bath` is modes, "
                    f"but bath is {self.bath}"
                )
        if given and self.mode_energies is None:
            raise ModelError(
                "Parameter `mode_energies` must be given (in meV) where `bath` is modes"
            )
        if (
            given
            and self.mode_couplings is not None
            and len(self.mode_couplings) != len(self.mode_energies or ())
        ):
            raise ModelError(
                f"Parameter `mode_couplings` must have {len(self.mode_energies or ())} matrices "
                f"(in meV), as many as `mode_energies`, but has {len(self.mode_couplings)}"
            )
        bath(self)
        return self


def bath(model: Vibration) -> Bath:
    """The vibrations of the model.

    Raises
    ------
    ModelError : divergent at low or high energy, with the remedy; energies or weights not positive
    """
    match model.bath:
        case "acoustic":
            return Bath.acoustic(
                velocity=model.phonon_velocity,
                dimension=model.bath_dimension,
                cutoff=model.bath_cutoff,
                onset=model.bath_onset,
                per_mode=model.bath_norm == "per-mode",
            )
        case "einstein":
            return Bath.modes([model.phonon_energy], [model.phonon_number])
        case "debye":
            return Bath.debye(model.phonon_energy, model.phonon_number)
        case "modes":
            return Bath.modes(model.mode_energies or ())
        case _:
            return bath_of(model.spectrum, model.spectrum_range)


def common_coupling(model: Vibration) -> Complex:
    """U = u_0 + (u_1 + i v_1) . sigma, the coupling of every vibration, Eq. (9)."""
    spin = np.array(model.spin_coupling) + 1j * np.array(model.momentum_coupling)
    return np.asarray(model.charge_coupling * np.eye(2) + np.tensordot(spin, PAULI, 1))


@dataclass(frozen=True, kw_only=True)
class Level:
    """The level and every vibration that acts on it, as arrays.

    Parameters
    ----------
    energy : eps, (2, 2), from the chemical potential
    frequencies : omega_j, (modes,)
    couplings : U_j with the root of the weight of the mode, (modes, 2, 2)
    thermal_energy, width, hubbard : k_B T, gamma, U_H
    """

    energy: Complex
    frequencies: Array
    couplings: Complex
    thermal_energy: float
    width: float
    hubbard: float


def level_of(
    model: Vibration,
    finer: int = 1,
    thermal_energy: float | None = None,
    resolution: float = np.inf,
) -> Level:
    """The model as matrices; a continuous bath as Gauss nodes, ``finer`` times as many as needed.

    Thermal sums need what the temperature resolves, spectra also their broadening (``resolution``).
    """
    T = model.thermal_energy if thermal_energy is None else thermal_energy
    vibrations = bath(model)
    if vibrations.count(resolution) > MOST:
        raise ModelError(
            f"Option `broadening` must be larger (in meV): {resolution:g} would need "
            f"{vibrations.count(resolution):.1e} nodes (allowed: {MOST}) of a bath up to "
            f"{vibrations.highest:g} meV"
        )
    frequencies, weights = vibrations.nodes(T, finer, resolution)
    if model.mode_couplings is None:
        couplings = np.sqrt(weights)[:, None, None] * common_coupling(model)
    else:
        couplings = np.array(model.mode_couplings)
    bare = (model.level - model.chemical_potential) * np.eye(2)
    energy = bare + np.tensordot(np.array(model.level_splitting), PAULI, 1)
    return Level(
        energy=np.asarray(energy, dtype=complex),
        frequencies=frequencies,
        couplings=np.asarray(couplings, dtype=complex),
        thermal_energy=T,
        width=model.reservoir_coupling,
        hubbard=model.hubbard,
    )


def energies(model: Vibration) -> Array:
    """Where spectra are wanted, meV."""
    if model.energy is not None:
        return np.array(model.energy)
    return np.linspace(-REACH, REACH, 201)


def energies_from_mu(model: Vibration) -> Array:
    """The same places, measured from the chemical potential as in :class:`Level`."""
    return energies(model) - model.chemical_potential


def labels(model: Vibration) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {
        "component": COMPONENTS,
        "spin": SPINS,
        "matrix": MATRICES,
        "energy": tuple(energies(model).tolist()),
        "channel": CHANNELS,
        "root": tuple(range(1, ROOTS + 1)),
    }


def time_reversed(matrix: Complex) -> Complex:
    r"""What time reversal makes of a matrix on the spin: :math:`\sigma_y M^* \sigma_y`."""
    flip = PAULI[1]
    return np.asarray(flip @ np.conj(matrix) @ flip)


def broken_time_reversal(level: Level) -> float:
    """Largest share of a term of H that is odd under time reversal; zero forbids a moment.

    The phase of a vibration is free: a coupling counts as even if some e^{i phi} U is even.
    """
    turned = time_reversed(level.couplings)
    overlap = np.einsum("jab,jab->j", level.couplings.conj(), turned)
    phase = np.sqrt(overlap / np.where(overlap == 0, 1.0, np.abs(overlap)))
    phase[overlap == 0] = 1.0
    terms = np.concatenate([level.energy[None], phase[:, None, None] * level.couplings])
    odd = np.linalg.norm(terms - time_reversed(terms), axis=(1, 2)) / 2
    size = np.linalg.norm(terms, axis=(1, 2))
    return float(np.max(odd[size > 0] / size[size > 0], initial=0.0))


def channels(level: Level) -> tuple[Complex, Array, Complex] | None:
    """Common eigenvectors of the level and all couplings, with their eigenvalues, if they exist.

    Returns
    -------
    vectors (2, 2) in columns, energies (2,), couplings (modes, 2); None where matrices do not commute
    or a coupling is not normal
    """
    matrices = [level.energy, *level.couplings]
    vectors = np.eye(2, dtype=complex)
    for matrix in matrices:
        for part in (matrix + matrix.conj().T, 1j * (matrix - matrix.conj().T)):
            traceless = part - np.trace(part) / 2 * np.eye(2)
            if np.linalg.norm(traceless) > MERGED * float(np.linalg.norm(matrix)):
                vectors = np.linalg.eigh(traceless)[1]
                break
        else:
            continue
        break
    inside = [vectors.conj().T @ m @ vectors for m in matrices]
    for before, after in zip(matrices, inside, strict=True):
        off = abs(after[0, 1]) + abs(after[1, 0])
        if off > MERGED * np.linalg.norm(before):
            return None
    values = np.array([[m[0, 0], m[1, 1]] for m in inside])
    return vectors, values[0].real, values[1:]


def distinct(level: Level) -> Iterator[tuple[Complex, Array, Array]]:
    """Couplings that are not multiples of each other, with squared factors and frequencies."""
    left = list(range(len(level.frequencies)))
    while left:
        U = level.couplings[left[0]]
        size = float(np.vdot(U, U).real)
        same, factors = [], []
        for j in left:
            other = level.couplings[j]
            factor = complex(np.vdot(U, other)) / size if size else 0.0
            if np.abs(other - factor * U).max() <= PARALLEL * np.sqrt(size):
                same.append(j)
                factors.append(abs(factor) ** 2)
        if not size:
            same, factors = [left[0]], [0.0]
        yield U, np.array(factors), level.frequencies[same]
        left = [j for j in left if j not in same]
