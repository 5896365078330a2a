"""Of the questions that cannot be answered well, what share says so?

Each case is a command of the shell that asks for what does not exist, cannot be reached, or lies where the method is
wrong. It says so by its exit code (2: one line on what is wrong; 3: not converged) or by a failed audit on stderr.
What does neither is silent, and a fault of the library.

Beside the cases chosen by hand stand as many inputs as wanted that a seed generates from the declarations of every
problem (:mod:`benchmarks.generated`). Each is refused in one line, or answered; none may end in a traceback, hang,
print what is no message, or ask for much memory.

    python -m benchmarks.fails_safely              the cases, then 1 000 generated inputs
    python -m benchmarks.fails_safely COUNT SEED   generated inputs only
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generated import Input, inputs, write_files
from benchmarks.watched import Ended, Watched
from chirospin.faces.cli import main as chirospin

COUNT, SEED = 1000, 17
LONGEST = 500  # characters of a message
SECONDS = 20.0  # of the processor for one input: the quickest answers of a problem take a few
MEMORY = 2 * 2**30  # bytes that an input may ask for beyond the program itself
PROGRESS = (
    "solving ",
    "optimising ",
    "sweeping ",
    "auditing ",
    "differentiating ",
    "comparing ",
    "drawing ",
)  # lines of long work, not of failure


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command that must not pass for an answer.

    Parameters
    ----------
    why : what is wrong with the question
    command : after ``chirospin``
    asked : the observable that does not exist there; NaN with its reason is an answer
    """

    why: str
    command: str
    asked: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """How a case ended: refused, not converged, audit failed, undefined, or SILENT."""

    case: Case
    kind: str
    words: str
    seconds: float


def _c(command: str, why: str) -> Case:
    return Case(why=why, command=command)


CASES = (
    _c("solve junction --option krylov_vectors=3", "too few Krylov vectors"),
    _c("solve junction --method gksl-mixed --option krylov_vectors=1", "one Krylov vector a correction"),
    _c("solve junction --method gksl-mixed --set coupling=0", "no leads, in mixed precision"),
    _c("solve junction --method trajectories --set molecules=7", "sectors beyond reach of a trajectory"),
    _c("solve junction --option tolerance=1e-30", "a tolerance below rounding"),
    _c("solve junction --set coupling=0", "no leads: every state is steady"),
    _c("solve junction --set coupling_b=0 --set hopping_b=0 --set spin_orbit=0", "electrons on orbital b are never exchanged: several steady states"),
    _c("solve junction --method mean-field", "no mean-field solution at U = 4"),
    _c("solve junction --method mean-field --set hubbard=0.5 --option solver=anderson --option iterations=3 --option continuation=0", "three steps of a fixed point"),
    _c("solve junction --method mean-field --set energy_b=0.4 --set hubbard=1.65", "a mean field with several solutions"),
    _c("solve junction --method landauer", "a method without repulsion at U = 4"),
    _c("solve junction --set molecules=7", "unknowns beyond any memory"),
    _c("solve junction --set energy_b=nan", "not a number"),
    _c('solve junction --set molecules=1 --set "one_body_matrix=[[0,1,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0]]"', "a Hamiltonian that is not Hermitian"),
    _c("solve junction --set lead_polarisation=1.5", "a polarisation above one"),
    _c("solve junction.bias --set gate=-6.4 --set bias=1 --set thermal_energy=0.5", "polarisation near linear response, an artefact of the generator"),
    _c("solve junction.bias --set gate=-6.4 --set bias=1 --set thermal_energy=0.1", "transport blocked: second order misses cotunnelling"),
    _c("solve junction.bias --set gate=-6.4 --set bias=1 --set thermal_energy=0.02", "states that are left more slowly than rounding can tell"),
    _c("solve junction.bias --method redfield --set gate=-6.4 --set bias=6 --set thermal_energy=0", "no temperature: rates are undefined"),
    _c("solve junction.bias --method hierarchy --set molecules=1 --set bias=2 --set thermal_energy=0.5 --option tier=2 --option applications=3", "three applications of the hierarchy"),
    _c("solve junction.bias --method mean-field --set gate=-6.4 --set bias=10 --option iterations=2", "two steps of a fixed point"),
    _c("solve junction.bias --method landauer --set gate=-6.4 --set bias=10", "a method without repulsion at U = 4"),
    _c("solve junction.transient --option krylov_vectors=2 --over time=1,50", "too few Krylov vectors in time"),
    _c("solve junction.transient --over time=5,1", "times that do not ascend"),
    _c("solve junction --method trajectories --option trajectories=8 --option time=40 --option burn_in=0", "eight short trajectories where electrons come in bunches"),
    _c("solve junction --method trajectories --option burn_in=500 --option time=500 --option trajectories=16", "a start shorter than the relaxation time"),
    _c("solve chiral_metal --method boltzmann --option cells=16 --option order=1 --option ordinates=4", "the coarsest grid"),
    _c("solve chiral_metal --method boltzmann --set screening_length=0", "the neutral limit on a grid"),
    _c("solve chiral_metal --set spin_orbit=0.9", "closed forms of leading order at strong coupling"),
    _c("solve chiral_metal --set length=0.5", "planes closer than their screening and a closed form for planes apart"),
    _c("solve chiral_metal --set field=10", "a drive that is not weak"),
    _c("solve crystal --method k-grid --set hamiltonian=cubic --set thermal_energy=0.001 --option points=6 --option raisings=0", "six points for a sharp Fermi surface"),
    _c("solve crystal --method k-grid --set hamiltonian=cubic --set thermal_energy=0 --option points=1 --option raisings=0", "one point at zero temperature"),
    _c("solve crystal --method fermi-surface --set hamiltonian=cubic --set chemical_potential=4", "an open Fermi surface, not star-shaped"),
    _c("solve chiral_metal.driven --method closed-form --set frequency=-1", "a negative frequency"),
    _c('solve vibration --method exact --set bath=einstein --set phonon_energy=0.05 --set charge_coupling=0.5 --set "spin_coupling=[0.4,0,0]" --set "level_splitting=[0,0,0.3]" --option quanta=2', "two quanta of a soft, strongly coupled vibration"),
    _c("solve vibration --method scba --set charge_coupling=0.3 --option iterations=2", "two steps of a fixed point"),
    _c("solve vibration --set bath_dimension=1 --set bath_onset=0", "a sum over long waves that diverges"),
    _c("solve vibration --method windowed", "a window that cuts the tails"),
    _c("solve vibration --method scba --set hubbard=1", "repulsion that the method does not know"),
    _c("solve spinterface.contact --method lesser-only --set level_splitting=[0,0,0] --set direction=[1,0,0]", "a term that breaks time reversal by itself"),
    _c("solve spinterface.contact --over distance=0,1", "the spin on the contact itself"),
    _c("solve spinterface.contact --set lead_coupling=0 --set lead_potential=0.2", "a bias without a lead"),
    Case(command="solve spinterface.stability --set moment=1.2", why="a moment larger than the level holds", asked="repulsion"),
    _c("solve spinterface.quench --over time=0,1e12", "phases that no memory holds"),
    _c("solve spinterface.pair --method spectral --set \"spin_splitting=[[0.1,0.1j,0],[0,0,0]]\"", "an exceptional point of the motion"),
    _c("solve rashba --option longest=8 --set disorder=gaussian --set spin_orbit=0.0005 --set thermal_energy=0.02", "chains cut after eight links"),
    _c("solve rashba --set disorder=gaussian --set disorder_length=200 --set spin_orbit=0.3", "smooth impurities with splitting above the Fermi energy"),
    _c("solve rashba --method closed-form --set disorder=yukawa", "a closed form where there is none"),
    _c("solve rashba --set scattering_rate=0.2", "a bad metal for a kinetic equation"),
    _c("solve rashba --set fermi_energy=-5", "an empty band"),
    _c("solve rashba --method kubo --set imaginary_frequency=0.001 --option tolerance=1e-18", "a tolerance below rounding"),
    _c("solve rashba --method kubo --set frequency=0.01", "a real frequency for a method on the imaginary axis"),
    _c("solve rashba.fermi_level --set spin_orbit=0.5", "a splitting that is not small"),
    _c("solve rashba.fermi_level --option tolerance=1e-18", "a tolerance below rounding"),
    _c("solve rashba.fermi_level --set dresselhaus=0.02", "equal Rashba and Dresselhaus fields: a spin that nothing relaxes"),
    _c("solve rashba.fermi_level --set impurity_spin_orbit=0.9", "spin-orbit scattering that is not weak"),
)  # fmt: skip


def undefined(answer: list[str], asked: str) -> bool:
    """Whether the answer has NaN for what was asked, and a reason."""
    nan = any(x.split()[:2] == [asked, "nan"] for x in answer)
    return nan and any(f"{asked} is undefined: " in x for x in answer)


def note(answer: str) -> str:
    """The reasons for NaN."""
    return next(x.strip() for x in answer.splitlines() if x.strip().startswith("note: "))


def told(case: Case) -> Told:
    """Run a case and judge what it says."""
    start = time.perf_counter()
    with (
        contextlib.redirect_stdout(io.StringIO()) as answer,
        contextlib.redirect_stderr(io.StringIO()) as complaint,
    ):
        code = chirospin(shlex.split(case.command))
    lines = [x for x in complaint.getvalue().splitlines() if x.startswith("chirospin: ")]
    kind = {2: "refused", 3: "not converged"}.get(code, "SILENT")
    if kind == "SILENT" and any("audit FAILED" in x for x in lines):
        kind = "audit failed"
    if kind == "SILENT" and case.asked and undefined(answer.getvalue().splitlines(), case.asked):
        kind, lines = "undefined", ["chirospin: " + note(answer.getvalue())]
    words = lines[-1].removeprefix("chirospin: ") if lines else ""
    return Told(case=case, kind=kind, words=words, seconds=time.perf_counter() - start)


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What became of generated inputs.

    Parameters
    ----------
    faults : the inputs that ended in another way than a refusal or an answer, with what was seen
    kinds : how many ended in each way
    longest : characters of the longest message
    peak : largest resident memory, bytes
    """

    count: int
    faults: tuple[tuple[Input, str], ...]
    kinds: Counter[str]
    longest: int
    peak: float

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.kinds.most_common())
        return (
            f"{self.count} generated inputs: {kinds}; longest message {self.longest} characters, "
            f"peak memory {self.peak / 2**30:.2f} GiB"
        )


def fault(ended: Ended, line: tuple[str, ...]) -> str:
    """What is wrong with how an input ended; empty if it was refused or answered."""
    messages = [x for x in ended.err.splitlines() if not x.startswith(PROGRESS)]
    if ended.hung:
        return f"HANG after {ended.seconds:.0f} s"
    if ended.code is None:
        return "TRACEBACK " + (ended.trace.strip().splitlines() or ["none"])[-1][:200]
    if ended.code not in (0, 1, 2, 3):
        return f"CODE {ended.code}"
    strange = [x for x in messages if not x.startswith("chirospin: ")]
    if strange:
        return f"NOISE {strange[0][:200]}"
    if ended.code == 2 and len(messages) != 1:
        return f"LINES {len(messages)}"
    if any(len(x) >= LONGEST for x in messages):
        return f"LONG {max(map(len, messages))}"
    if ended.code != 2 and "--json" in line:
        return not_json(ended.out)
    return ""


def not_json(text: str) -> str:
    """Why a text is no JSON; empty if it is, or is empty."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        if text.strip():
            json.loads(text, parse_constant=refuse)
    except ValueError as error:
        return f"JSON {str(error)[:200]}"
    return ""


def generated(
    count: int, seed: int, tell: Callable[[str], None] = lambda _: None, seconds: float = SECONDS
) -> Generated:
    """Run generated inputs in processes that are watched."""
    faults: list[tuple[Input, str]] = []
    kinds: Counter[str] = Counter()
    longest = 0
    with tempfile.TemporaryDirectory() as name:
        write_files(Path(name))
        asked = inputs(count, seed, Path(name))
        watched = Watched(seconds, MEMORY)
        ends = watched.run([one.line for one in asked])
        for one, ended in zip(asked, ends, strict=True):
            wrong = fault(ended, one.line)
            longest = max([longest, *map(len, ended.err.splitlines())])
            answer = {
                0: "answered",
                1: "answered, a check failed",
                2: "refused",
                3: "not converged",
            }
            kinds[wrong.split()[0] if wrong else answer[ended.code or 0]] += 1
            if wrong:
                faults.append((one, wrong))
                tell(f"{wrong}: chirospin {one}")
    return Generated(
        count=count, faults=tuple(faults), kinds=kinds, longest=longest, peak=watched.peak
    )


def curated() -> int:
    """Every case chosen by hand, and the share that says so."""
    found = []
    for case in CASES:
        found.append(told(case))
        one = found[-1]
        print(f"{one.kind:13} {one.seconds:6.2f} s  {case.why}: {one.words[:110]}", flush=True)
    kinds = Counter(one.kind for one in found)
    silent = [one for one in found if one.kind == "SILENT"]
    print(f"{len(found) - len(silent)} of {len(found)} say so: {dict(kinds)}")
    for one in silent:
        print(f"SILENT: chirospin {one.case.command}")
    return int(bool(silent))


def main(words: list[str]) -> int:
    """The cases and the generated inputs; any fault is an error."""
    silent = 0 if words else curated()
    count, seed = [*map(int, words), *(COUNT, SEED)[len(words) :]]
    found = generated(count, seed, lambda line: print(line, flush=True))
    print(f"seed {seed}: {found}")
    return int(bool(silent or found.faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
