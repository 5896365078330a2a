"""Every door of the toolkit once: `chirospin demo` reproduces the papers, then a molecule, a crystal, measured curves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base import results
from chirospin.base.audit import checks_words
from chirospin.base.errors import ModelError
from chirospin.base.figures import Panel, Plot, draw, save_figure, sketch
from chirospin.base.solve import solve
from chirospin.base.units import shown_unit
from chirospin.faces.arguments import problem
from chirospin.faces.progress import progress
from chirospin.faces.reproduction import reproduce_study
from chirospin.faces.text import table
from chirospin.studies import registry
from chirospin.studies.registry import counted

MOLECULE = "H2CS"
COUPLINGS = tuple(float(v) for v in np.geomspace(0.005, 0.5, 9))  # eV, of the orbitals to the leads
LEVELS = (1.35, 1.4, 1.45, 1.5)  # eV: of the helix's valence band, where its grids converge soon
ROOM = "300 K"
HANDS = {"right": "helix", "left": "helix_mirror"}
ALONG = r"(\chi D^{-1})_{zz}"
OPPOSITE = 1e-3  # of the largest element: both hands of a crystal, on the same grid
NEXT = (
    "next: chirospin solve junction --plot p.png | chirospin measured YOUR_FILES | "
    "chirospin explore junction"
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a door shows: a line, where its figure is, and whether all behind it holds."""

    name: str
    verdict: str
    picture: Path
    good: bool


Say = Callable[[str], None]


def demonstrate(out: Path, workers: int, say: Say) -> bool:
    """Go through all doors, a line as each begins and one as it ends; whether every verdict is the expected one.

    Raises
    ------
    ModelError : a directory that cannot be written
    """
    papers = [study for study in registry.studies() if study.of_a_paper and study.contents]
    doors = {"a molecule": molecule_door, "a crystal": crystal_door, "measured curves": curves_door}
    say(
        f"{len(papers)} papers recomputed, then {', '.join(doors)}: a few minutes. Figures, data and claims: {out}"
    )
    answers = []
    count, started = len(papers) + len(doors), time.monotonic()
    for n, study in enumerate(papers, 1):
        say(f"{n}/{count} {study.key}: {study.title}")
        reproduction = reproduce_study(study, (), out, workers, quiet=False)
        words = counted([claim["verdict"] for claim in reproduction.facts["claims"]])
        pictures = [Path(name) for name in reproduction.facts["files"] if name.endswith(".png")]
        answers.append(
            Answer(
                name=study.key, verdict=words, picture=pictures[0], good=reproduction.as_declared
            )
        )
        say(f"    {words}; {len(pictures)} figures")
    for n, (name, door) in enumerate(doors.items(), len(papers) + 1):
        say(f"{n}/{count} {name}")
        answers.append(door(_folder(out / name.split()[-1]), workers))
        say(f"    {answers[-1].verdict}")
    say("")
    say(answers_table(answers))
    bad = [answer.name for answer in answers if not answer.good]
    say(f"\n{time.monotonic() - started:.0f} s" + (f"; FAILED: {', '.join(bad)}" if bad else ""))
    say(NEXT)
    return not bad


def answers_table(answers: Sequence[Answer]) -> str:
    """One line each: what, verdict, figure."""
    rows = [[answer.name, answer.verdict, os.fspath(answer.picture)] for answer in answers]
    return table(rows, ["what", "verdict", "figure, one of"])


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Option --out must be a directory that can be written, but is `{path.parent}`: {error.strerror}"
        ) from None
    return path


def molecule_door(folder: Path, workers: int) -> Answer:
    """Coordinates to a stack to its polarisation; without PySCF the stack is the one that ships with the package."""
    from chirospin.molecule import STACK
    from chirospin.studies.own.real_molecules import stack_model, stored

    stack, source = stored(MOLECULE), "its stored stack (PySCF is not installed)"
    if find_spec("pyscf") is not None and find_spec("ase") is not None:
        with progress("orbitals, hoppings and repulsion") as report:
            stack = solve(STACK, stack_model(stack), progress=report)
        source = "its coordinates"
    posed: Any = problem("junction")
    with progress("stack of two between leads") as report:
        ds = solve(
            posed,
            posed.model.from_result(stack),
            over={"coupling": COUPLINGS},
            on_failure="record",
            workers=workers,
            progress=report,
        )
    results.save(stack, folder / "stack.nc")
    results.save(ds, folder / "junction.nc")
    picture = folder / "polarisation.png"
    save_figure(sketch(ds), picture)
    P = ds["spin_polarisation"]
    at = int(np.abs(P.values).argmax())
    checks = [*results.certificates(stack, STACK), *results.certificates(ds, posed)]
    return Answer(
        name=f"molecule {MOLECULE}",
        verdict=f"from {source}: P_MR = {float(P[at]):.3f} at {1000 * COUPLINGS[at]:.0f} meV, the largest; "
        f"audit {checks_words(checks)}",
        picture=picture,
        good=all(check.passed for check in checks),
    )


def crystal_door(folder: Path, workers: int) -> Answer:
    """A Wannier file of each hand, written and read; the induced spin of the other hand is the opposite."""
    from chirospin.crystal.samples import helix, write_tb

    posed = problem("crystal")
    parts, checks = [], []
    for (hand, name), sign in zip(HANDS.items(), (1, -1), strict=True):
        (file, *_) = write_tb(folder / name, helix(sign))
        model = posed.model(hamiltonian=str(file), spin="pauli-interleaved", thermal_energy=ROOM)
        with progress(f"{hand}-handed helix") as report:
            ds = solve(
                posed,
                model,
                over={"chemical_potential": LEVELS},
                observables=["spin_per_current"],
                on_failure="record",
                workers=workers,
                progress=report,
            )
        results.save(ds, folder / f"{name}.nc")
        checks += results.certificates(ds, posed)
        parts.append(ds["spin_per_current"].sel(spin="z", flow="z"))
    along = xr.concat(parts, xr.Variable("hand", list(HANDS)), combine_attrs="override")
    right, left = along.values
    defect = float(np.abs(right + left).max() / np.abs(right).max())
    picture = folder / "spin.png"
    panel = Panel(source="helix", x="chemical_potential", y="spin_per_current", by="hand")
    drawn = along.assign_attrs(symbol=ALONG).to_dataset(name="spin_per_current")
    save_figure(draw(Plot(panels=(panel,)), {"helix": drawn}), picture)
    unit = shown_unit(along.attrs["units"])
    return Answer(
        name="crystal, a helix of tellurium's structure",
        verdict=f"spin along the current {right[-1]:+.3f} and {left[-1]:+.3f} {unit} at {LEVELS[-1]} eV, "
        f"right- and left-handed, opposite to {defect:.0e}; audit {checks_words(checks)}",
        picture=picture,
        good=defect < OPPOSITE and all(check.passed for check in checks),
    )


def curves_door(folder: Path, workers: int) -> Answer:
    """The sample of measured curves: a real effect, and an artefact that must be told."""
    from chirospin.faces.measuring import failed_tests
    from chirospin.measured import compare, example
    from chirospin.measured.figure import figure_of

    with progress("permutations of contacts"):
        ds = compare(example())
    results.save(ds, folder / "curves.nc")
    picture = folder / "curves.png"
    save_figure(figure_of(ds), picture)
    told = failed_tests(ds)
    words = str(ds.attrs["conclusion"])
    return Answer(
        name="measured curves, a sample",
        verdict=f"{words} The artefact that was put in is that offset.",
        picture=picture,
        good=len(told) == 1 and "offset" in told[0] and words.startswith("chiral signal"),
    )
