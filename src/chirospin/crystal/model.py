"""A crystal in a uniform field: a file of Wannier functions, a built-in model or a function of k."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.functions import loaded_function
from chirospin.base.parameters import Model, parameter
from chirospin.crystal.bloch import (
    AnalyticBloch,
    Bloch,
    TightBinding,
    cubic,
    isotropic,
    spin_matrices,
    tellurium,
)
from chirospin.crystal.samples import SAMPLES
from chirospin.wannier.files import NAMES, belonging, read_crystal
from chirospin.wannier.real_space import WannierMatrices, hermitian, pauli_spin

BUILT_IN = ("isotropic", "cubic", "tellurium", *SAMPLES)
PAULI_ORDERS = ("pauli-interleaved", "pauli-blocked")


class Crystal(Model):
    """A crystal in a uniform field.

    References
    ----------
    yoshimi_2026, Sec. III
    """

    hamiltonian: str = parameter(
        "cubic",
        symbol="H(k)",
        about="isotropic, cubic, tellurium, helix, helix-mirror, zincblende; FOLDER of WannierBerri, PREFIX of .chk, .eig, .spn, "
        "a file _tb.dat or _hr.dat; or FILE.py:NAME, MODULE:NAME",
    )
    spin: str = parameter(
        "auto",
        symbol="S",
        choices=("auto", "file", *PAULI_ORDERS, "none"),
        about="the spin operator: auto is that of the file or built-in model; a file without one needs a word",
    )
    point_group: str = parameter(
        "auto",
        symbol="G",
        about="auto: from pointgroup.npz or the atoms of the .win; none; or a FILE .npz or .win",
    )
    wsvec: str = parameter(
        "auto",
        symbol="T",
        choices=("auto", "ignore"),
        about="nearest images (_wsvec.dat, or those of a .chk), or the plain Wigner-Seitz set",
    )
    ws_tolerance: float = parameter(
        1e-6, unit="nm", symbol="d", above=0, about="within which images of a .chk are equally near"
    )
    centre_tolerance: float = parameter(
        1e-3,
        unit="nm",
        symbol="d_p",
        low=0,
        about="largest distance of the centres of a Pauli pair",
    )
    mass: float = parameter(
        1.0, unit="1/eV/nm^2", symbol="m", above=0, about="isotropic and cubic; m_e is 13.12"
    )
    spin_orbit: float = parameter(
        0.2,
        unit="eV*nm",
        symbol=r"\alpha",
        about="of the built-in models; beta of tellurium, whose valence band has 0.265",
    )
    lattice_constant: float = parameter(
        1.0, unit="nm", symbol="b", above=0, about="cubic; for a function, the period if periodic"
    )
    longitudinal: float = parameter(
        -0.3644, unit="eV*nm^2", symbol="A", about="curvature along z of tellurium"
    )
    transverse: float = parameter(
        -0.3260, unit="eV*nm^2", symbol="B", about="curvature across z of tellurium"
    )
    gap: float = parameter(0.063, unit="eV", symbol=r"\Delta", about="half splitting of tellurium")
    valleys: int = parameter(
        1,
        symbol="g_v",
        low=1,
        about="equal valleys of isotropic, tellurium or a k.p function; tellurium has 2, at H and H'",
    )
    chemical_potential: float = parameter(0.48, unit="eV", symbol=r"\mu", about="Fermi energy")
    thermal_energy: float = parameter(
        0.0, unit="eV", symbol="k_BT", low=0, about="0 for the Fermi surface itself"
    )
    reach: float = parameter(
        1.0,
        unit="1/nm",
        symbol=r"k_\mathrm{max}",
        above=0,
        about="largest momentum, for a function",
    )
    periodic: bool = parameter(
        False, symbol="P", about="whether a function has the cubic period 2 pi/b"
    )

    def beside(self, name: str) -> tuple[Path, ...]:
        """All files of a crystal: a folder, or those with one prefix."""
        named = name in ("hamiltonian", "point_group")
        return belonging(getattr(self, name)) if named and ":" not in getattr(self, name) else ()


def thermal_energy_of(model: Crystal) -> float:
    """Thermal energy, eV."""
    return model.thermal_energy


def is_spinless(model: Crystal) -> bool:
    """Whether the functions are declared to have no spin."""
    name = model.hamiltonian
    return declared_spin(model) == "none" and (":" in name or has_functions(name))


def group_choice(model: Crystal) -> str:
    """Where the point group is taken from."""
    return model.point_group


def surroundings(model: Crystal, *, of_band: bool = False) -> tuple[Crystal, Any]:
    """The model without its Fermi level and temperature, and the stamp of its files: what a pass over k shares.

    Parameters
    ----------
    of_band : keep the Fermi level, of which the reach of a k.p model is chosen
    """
    held = (
        {}
        if of_band
        else {"chemical_potential": type(model).model_fields["chemical_potential"].default}
    )
    stamps = [file_stamp(name) for name in (model.hamiltonian, group_choice(model))]
    return model.replace(thermal_energy=0.0, **held), tuple(stamps)


def file_stamp(name: str) -> tuple[Any, ...]:
    """Names, times and sizes of the files behind a name."""
    where = name.rpartition(":")[0] if ":" in name else name
    files = belonging(where) or ((Path(where),) if Path(where).is_file() else ())
    return tuple((p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in files)


def has_functions(name: str) -> bool:
    """Whether a Hamiltonian is one of matrices between functions: a file, a folder, a built-in sample."""
    return name in SAMPLES or (name not in BUILT_IN and ":" not in name)


def valley_count(model: Crystal) -> int:
    """How many times the sum over a k.p model stands for; a whole Brillouin zone has all valleys."""
    return model.valleys if bloch_hamiltonian(model).cell is None else 1


def bloch_hamiltonian(model: Crystal) -> Bloch:
    """The Hamiltonian that the model names.

    Raises
    ------
    ModelError : no such built-in, file or function; a spin that is not declared; no such band
    """
    if has_functions(model.hamiltonian):
        return TightBinding(_declared(model))
    if ":" in model.hamiltonian:
        return _function(model)
    return _built_in(model)


def _built_in(model: Crystal) -> AnalyticBloch:
    alpha, mu = model.spin_orbit, model.chemical_potential
    if model.hamiltonian == "cubic":
        return cubic(model.mass, alpha, period(model))
    if model.hamiltonian == "isotropic":
        _require_electrons(model.mass, alpha, mu)
        return isotropic(model.mass, alpha, mu)
    if model.longitudinal * model.transverse <= 0:
        raise ModelError(
            "Parameter `transverse` must have the sign of `longitudinal` (in eV nm^2), so that the "
            f"Fermi surface is closed, but is {model.transverse:g}"
        )
    return tellurium(model.longitudinal, model.transverse, model.gap, alpha, mu)


def period(model: Crystal) -> float:
    """The edge of the cubic cell, nm."""
    return model.lattice_constant


def declared_spin(model: Crystal) -> str:
    """The word that says what the spin operator is."""
    return model.spin


def matrices_of(model: Crystal) -> WannierMatrices | None:
    """Matrices of a file, None for other Hamiltonians."""
    return _declared(model) if has_functions(model.hamiltonian) else None


def _require_electrons(mass: float, spin_orbit: float, chemical_potential: float) -> None:
    bottom = -mass * spin_orbit**2 / 2
    if chemical_potential <= bottom * (1 - 1e-9):
        raise ModelError(
            f"Parameter `chemical_potential` must be > {bottom:g} (in eV), the bottom -m alpha^2/2 of the "
            f"isotropic band, but is {chemical_potential:g}"
        )


def _function(model: Crystal) -> AnalyticBloch:
    function = loaded_function("hamiltonian", model.hamiltonian)
    spin = getattr(function, "spin", None)
    if spin is None or declared_spin(model) in PAULI_ORDERS:
        shape = function(np.zeros((1, 3), dtype=complex)).shape
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ModelError(
                "Parameter `hamiltonian` must be a function of k of shape (N, 3) with values of "
                f"shape (N, n, n), but gives {shape} for (1, 3)"
            )
        spin = _spin_of_function(model, shape[1])
    cell = 2 * np.pi / period(model) * np.eye(3) if model.periodic else None
    return AnalyticBloch(function, np.asarray(spin, dtype=complex), model.reach, cell)


def _spin_of_function(model: Crystal, states: int) -> Any:
    spin = declared_spin(model)
    if spin == "none":
        return np.zeros((3, states, states))
    if spin not in PAULI_ORDERS:
        raise _undeclared(f"the function {model.hamiltonian} has no attribute `spin`", "")
    if states % 2:
        raise ModelError(
            f"Parameter `spin` must be none for an odd number of states, but is {spin} for {states}"
        )
    return spin_matrices(states, spin.removeprefix("pauli-"))


def _undeclared(why: str, file: str) -> ModelError:
    return ModelError(
        f"Parameter `spin` must be declared, since {why}: {file}pauli-interleaved (functions 2i, 2i+1 are up, "
        "down of one orbital), pauli-blocked (i, i + n/2), or none (no quantity of spin)"
    )


def _declared(model: Crystal) -> WannierMatrices:
    """The matrices of a file with the declared spin; kept while the files stay as they are.

    Raises
    ------
    ModelError : no such file, a broken one, a spin that the file does not have or that is not declared
    """
    name, spin = model.hamiltonian, declared_spin(model)
    stamp = file_stamp(name)
    if name not in SAMPLES and not stamp and not Path(name).exists():
        raise ModelError(
            f"Parameter `hamiltonian` must be {', '.join(BUILT_IN)}, a {NAMES} that exists, or FILE.py:NAME, "
            f"but is {name!r}"
        )
    wanted = "file" if spin in ("auto", "file") else "other"
    if name in SAMPLES:
        return _with_word(_sample(name), spin, model.centre_tolerance)
    found = _read(name, model.wsvec, model.ws_tolerance, wanted, stamp)
    if wanted == "file":
        if found.spin is None and spin == "auto":
            raise _undeclared(
                f"{found.path} has none", "file (.spn with .chk, or _XX_R_SS.npz, beside), "
            )
        if found.spin is None:
            raise ModelError(
                f"Parameter `spin` must have its file, but beside {found.path} there is no .spn with a .chk, "
                "and no _XX_R_SS.npz"
            )
    return _with_word(found, spin, model.centre_tolerance)


@lru_cache(maxsize=3)
def _sample(name: str) -> WannierMatrices:
    found = SAMPLES[name]()
    return replace(found, hamiltonian=hermitian(found.path, name, found.vectors, found.hamiltonian))


@lru_cache(maxsize=4)
def _read(name: str, wsvec: str, tolerance: float, spin: str, stamp: Any) -> WannierMatrices:
    return read_crystal(name, wsvec, tolerance, spin)


def _with_word(matrices: WannierMatrices, spin: str, tolerance: float) -> WannierMatrices:
    if spin in ("auto", "file"):
        return matrices
    if spin == "none":
        return replace(matrices, spin=np.zeros((3, *matrices.hamiltonian.shape), dtype=complex))
    return matrices.with_spin(pauli_spin(matrices, spin.removeprefix("pauli-"), tolerance))


def labels(model: Crystal) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the tensors."""
    axes = dict.fromkeys(("spin", "flow", "field", "second_field", "moment"), ("x", "y", "z"))
    return axes | {"certificate": CERTIFICATES, "tensor": TENSORS}


CERTIFICATES = (
    "tr_energy_eV", "tr_spin", "crystal_energy_eV", "crystal_spin",
    "spin_excess", "spin_trace", "spin_commutator",
)  # fmt: skip
TENSORS = ("charge", "edelstein", "slope", "orbital")
