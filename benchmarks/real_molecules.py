"""Stacks of real molecules as the table of docs/molecule.md, from the files of the study of the same name.

``python -m benchmarks.real_molecules`` prints it; half a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from chirospin.studies.own import real_molecules as study

HEAD = (
    *("stack", "pair", "U by", "Lambda (meV)", "t (eV)", "t_bb", "t_ab", "e_b - e_a", "U_a - V", "K"),
    *(f"P, p = {p:g}" for p in study.POLARISATIONS),
    "P at 1 V, 300 K",
)  # fmt: skip


def number(value: float) -> str:
    """Two digits of a polarisation; what is below its error is 0."""
    return f"{value:.1e}" if value else "0"


def row(name: str) -> Iterator[str]:
    """Cells of a stack: energies over t, the larger diagonal hopping."""
    ds = study.stored(name)
    one = study.parameters(ds)
    yield name
    yield str(ds.remark.item()).partition(" (")[0].replace("a = ", "").replace("b = ", "")
    yield str(ds.attrs["parameter_screening"])
    yield f"{1e3 * one.spin_orbit:.1f}"
    yield f"{one.t:.3f}"
    yield from (f"{x / one.t:.2g} t" for x in (min(one.t_aa, one.t_bb), one.t_ab))
    yield from (f"{x / one.t:.2g} t" for x in (one.gap, one.repulsion, one.hund))
    quiet = (1, lambda _done, _total: None, (name,))
    left = study.distance.compute(*quiet)["polarisation"]["spin_polarisation"]
    yield from map(number, left.values[0])
    yield number(float(study.room_temperature.compute(*quiet)["room"]["spin_polarisation"][0]))


def main() -> None:
    """Print the table, then the command of each file."""
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    for name in study.STACKS:
        print("| " + " | ".join(row(name)) + " |", flush=True)
    print()
    for name in study.STACKS:
        print("    " + study.command(study.stored(name)))


if __name__ == "__main__":
    main()
