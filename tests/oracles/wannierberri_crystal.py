"""WannierBerri's matrices of a saved system, summed with exact weights; its own sums, timed."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

NM3, NM2, NM = 1e3, 1e2, 10.0  # cubic, square and single angstrom in a nanometre


@contextlib.contextmanager
def quiet() -> Any:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def system(folder: Path) -> Any:
    with quiet():
        from wannierberri.system import System_R

        return System_R.from_npz(str(folder))


def exact_sums(folder: Path, points: int, mu: float, T: float) -> tuple[Any, Any, Any]:
    """chi in 1/nm^2, D in eV/nm and v L in eV of an unshifted grid, with the thermal weight of every state."""
    with quiet():
        from wannierberri.data_K.data_K_R import Data_K_R
        from wannierberri.grid import Grid

        found = system(folder)
        data = Data_K_R(found, dK=np.zeros(3), grid=Grid(found, NKdiv=1, NKFFT=points), Kpoint=None)
        E, V, S = data.E_K, data.Xbar("Ham", 1), data.Xbar("SS") / 2
    w = 1 / (4 * T * np.cosh(np.clip((E - mu) / 2 / T, -300, 300)) ** 2)
    w = w / len(E) / abs(np.linalg.det(found.real_lattice))
    chi, D, orbital = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3))
    levi = np.zeros((3, 3, 3))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        levi[a, b, c], levi[b, a, c] = 1, -1
    for k in range(len(E)):
        same = np.abs(E[k][:, None] - E[k]) < 1e-6
        weight = w[k][:, None] * same
        chi += np.einsum("nm,nmi,mnj->ij", weight, S[k], V[k]).real
        D += np.einsum("nm,nmi,mnj->ij", weight, V[k], V[k]).real
        inverse = np.where(
            same, 0.0, 1 / np.where(same, 1.0, E[k][:, None] - E[k])
        )  # e_l - e_n at [l, n]
        M = np.einsum("nla,lpb,lp->abnp", V[k], V[k], inverse)
        M = (M - np.swapaxes(M, 2, 3).conj()) / 2j
        L = np.einsum("abc,abnp->cnp", levi, M)
        orbital += np.einsum("nm,nmi,cmn->ic", weight, V[k], L).real
    return chi * NM3 / NM, D * NM3 / NM2, orbital * NM3 / NM**3


def scanned(folder: Path, points: int, levels: Any, symmetric: bool) -> tuple[float, Any]:
    """Its own scan of chemical potentials: seconds of one processor, and K of the spin in A."""
    with quiet():
        import wannierberri
        from wannierberri import calculators
        from wannierberri.grid import Grid

        found = system(folder)
        kinds = {
            "spin": calculators.static.GME_spin_FermiSurf(Efermi=levels),
            "ohmic": calculators.static.Ohmic_FermiSurf(Efermi=levels),
        }
        start = time.process_time()
        result = wannierberri.run(
            found, grid=Grid(found, NK=points), calculators=kinds, use_irred_kpt=symmetric,
            symmetrize=symmetric, parallel=False, fout_name=str(folder.parent / "result"),
            print_progress_step_time=1000,
        )  # fmt: skip
        return time.process_time() - start, result.results["spin"].data
