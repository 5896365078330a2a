"""Small molecules that ship, as stacks of two: how far from the paper's assumptions, and what polarisation is left.

``python -m benchmarks.real_molecules`` prints the table of docs/molecule.md; some minutes where nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from chirospin import junction, molecule
from chirospin.molecule import MoleculeStack

COUPLING = 0.05  # eV
POLARISATIONS = (1.0, 0.9, 0.4)  # of the lead: the paper's, a half-metal, iron
STACKS = {
    "H2CO": MoleculeStack(structure="h2co", pair="HOMO-1,HOMO", pivot="mid-bond"),
    "H2CS": MoleculeStack(structure="h2cs", pair="HOMO-1,HOMO", pivot="mid-bond"),
    "H2CSe": MoleculeStack(structure="h2cse", pair="HOMO-1,HOMO", pivot="mid-bond", rise=0.37),
    "H2S2": MoleculeStack(structure="h2s2", rise=0.40),
    "H2O2": MoleculeStack(structure="h2o2"),
}
HEAD = (
    *("stack", "pair", "Lambda (meV)", "t_aa (eV)", "t_bb", "t_ab", "e_b - e_a", "U_a - V", "K"),
    *(f"P, p = {p:g}" for p in POLARISATIONS),
)


def row(name: str, ds: xr.Dataset) -> Iterator[str]:
    """Cells of a stack: energies over |t| of the larger diagonal hopping."""
    t = np.abs(ds.hopping.values[0])
    unit = max(t[0, 0], t[1, 1])
    yield name
    yield str(ds.remark.item()).partition(" (")[0].replace("a = ", "").replace("b = ", "")
    yield f"{1e3 * float(ds.spin_orbit):.1f}"
    yield from (f"{x:.3f}" for x in (t[0, 0], t[1, 1], max(t[0, 1], t[1, 0])))
    yield f"{float(ds.energies[0, 1] - ds.energies[0, 0]) / unit:.1f} t"
    yield f"{float(ds.hubbard_a - ds.intersite_repulsion) / unit:.1f} t"
    yield f"{float(ds.hund) / unit:.2f} t"
    for p in POLARISATIONS:
        made = junction.Junction.from_result(ds, coupling=COUPLING, lead_polarisation=p)
        found = junction.solve(made)
        value = float(found.chirospin.settled.spin_polarisation)
        yield f"{value:.1e}" if value else "0"


def main() -> None:
    """Print the table."""
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    for name, model in STACKS.items():
        print("| " + " | ".join(row(name, molecule.solve(model))) + " |", flush=True)


if __name__ == "__main__":
    main()
