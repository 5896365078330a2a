"""All benchmarks: ``python -m benchmarks`` prints them and writes docs/validation/benchmarks.md.

Counts first, since seconds of a shared machine are noise; then ratios against QuTiP in one run, size against time and
memory, the time of one evaluation of every problem and method, and the share of failures that say so.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
from tests.oracles import full_fock, qutip_junction
from tests.oracles.crosscheck import QUTIP, qutip_in_time

import chirospin
from benchmarks import counts, fails_safely
from benchmarks.timing import median_time
from chirospin.base.results import provenance
from chirospin.faces.machine import machine
from chirospin.junction import GKSL, Evolution, Junction, SwitchedJunction
from chirospin.studies.own.stack_length import record

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "validation" / "benchmarks.md"
PEERS = ("chiral_metal", "crystal", "spinterface", "vibration", "rashba", "sweep")
SETTINGS: Mapping[tuple[str, str], dict[str, Any]] = {
    ("chiral_metal.driven", "boltzmann"): {"screening_length": 0.1},
    ("crystal", "k-grid"): {"hamiltonian": "cubic", "thermal_energy": 0.2, "chemical_potential": 0.8},
    ("crystal.contact", "k-grid"): {"hamiltonian": "helix", "thermal_energy": 0.1},
    ("rashba", "kubo"): {"imaginary_frequency": 0.01},
    ("junction", "mean-field"): {"hubbard": 0.5},
    ("junction.bias", "mean-field"): {"hubbard": 0.5},
    ("junction.transient", "krylov"): {"time": (1.0, 20.0)},
    ("junction.bias", "hierarchy"): {"molecules": 1, "thermal_energy": 2.0},
    ("junction", "trajectories"): {"coupling": 0.5, "hubbard": 1.0},
}  # fmt: skip
CHILD = """
import time
from pathlib import Path
from chirospin.junction import GKSL, Junction
GKSL().solve(Junction(molecules=1))
start = time.perf_counter()
state = GKSL().solve(Junction(molecules={molecules}))
seconds = time.perf_counter() - start
up, down = state.lead_current[:, 0]
status = Path("/proc/self/status").read_text().split()
peak = int(status[status.index("VmHWM:") + 1]) / 2**10
print(seconds, peak, (up - down) / (up + down), state.outcome.residual, state.outcome.iterations)
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of Markdown."""
    shown = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in shown),
        "",
    ]


def hardware() -> list[str]:
    """Where the times were taken."""
    made = provenance()
    facts = machine() | {n: made[n] for n in ("python", "numpy", "scipy", "xarray", "chirospin")}
    return ["## Hardware", "", *(f"- {name}: {words}" for name, words in facts.items()), ""]


def counted() -> list[str]:
    """Operation counts beside the frozen ones."""
    known = counts.frozen()
    rows = []
    for one in counts.COUNTS:
        name, number = f"{one.family}: {one.case}", one.take()
        rows.append([one.family, one.case, one.of, str(number), str(known.get(name, "new"))])
    return [
        "## Operation counts",
        "",
        "Frozen in `benchmarks/counts.json`; `tests/test_counts.py` fails if one grows.",
        "",
        *table(["problem", "case", "count of", "now", "frozen"], rows),
    ]


def against_qutip() -> list[str]:
    """Ratios of times in one run, with the difference of the answers."""
    rows = []
    for molecules, times in ((1, (0.5, 4.0, 60.0)), (2, (1.0, 5.0))):
        p, model = full_fock.Parameters(molecules=molecules), Junction(molecules=molecules)

        def theirs(p: Any = p) -> list[float]:
            return [
                qutip_junction.current(p, m, qutip_junction.steady_state(p, m)) for m in (1, -1)
            ]

        def ours(model: Any = model) -> Any:
            return GKSL().solve(model).lead_current[:, 0]

        off = float(np.abs(ours() - np.array(theirs())).max() / np.abs(ours()).max())
        fast, slow = median_time(ours), median_time(theirs, 3)
        how = (
            "steadystate" if molecules == 1 else "liouvillian, connected block cut by hand, SuperLU"
        )
        rows.append(
            [
                f"both currents, {molecules} molecule{'s' * (molecules > 1)}",
                how,
                *_ratio(slow, fast, off),
            ]
        )

        switched = SwitchedJunction(molecules=molecules, initial_state="empty", time=times)
        start = time.perf_counter()
        one, other = qutip_in_time(molecules, times)
        both = time.perf_counter() - start
        fast = median_time(lambda model=switched: Evolution().solve(model), 3)
        off = float(np.abs(one - other).max() / np.abs(other).max())
        rows.append(
            [f"occupations at {', '.join(f'{t:g}' for t in times)} from empty, {molecules} molecule"
             f"{'s' * (molecules > 1)}", "mesolve, one magnetisation (ours: both, and the slowest modes)",
             *_ratio(max(both - fast, 0.0), fast, off)]
        )  # fmt: skip
    return [
        f"## Against {QUTIP}",
        "",
        "Times in one run on one thread. QuTiP is general and knows nothing of the conserved charges; for two molecules "
        "its Liouvillian of 65 536 rows is cut by hand to the 4 900 that matter, or it would not end.",
        "",
        *table(["task", "QuTiP route", "QuTiP", "chirospin", "ratio", "answers differ by"], rows),
    ]


def _ratio(slow: float, fast: float, off: float) -> list[str]:
    return [f"{slow:.3g} s", f"{fast:.3g} s", f"{slow / fast:.2g}", f"{off:.0e}"]


def sizes() -> list[str]:
    """Time and memory of one polarisation against the number of molecules, each in its own process."""
    rows = []
    for molecules in (1, 2, 3):
        command = [sys.executable, "-c", CHILD.format(molecules=molecules)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        seconds, peak, P, residual = map(float, said[:4])
        rows.append(
            [
                str(molecules),
                f"{seconds:.3g} s",
                f"{peak:.0f} MiB",
                f"{P:+.6f}",
                f"{residual:.0e}",
                said[4],
            ]
        )
    four = record()
    for name in ("up", "down"):
        one = four[name]
        rows.append(
            [
                f"4, {name}",
                f"{one['seconds']} s",
                f"{one['resident_gib']} GiB",
                f"{four['spin_polarisation']:+.6f}",
                f"{one['residual']:.0e}",
                str(one["applications"]),
            ]
        )
    return [
        "## Size against time and memory",
        "",
        "`gksl` at the reference point, both magnetisations, one thread; memory is the peak of the process with Python "
        "and all imports.",
        "",
        *table(["molecules", "time", "peak memory", "P", "residual", "applications"], rows),
        "",
        "Four molecules are on record: `python benchmarks/four_molecules.py FOLDER` solves them by `gksl-mixed` on two "
        f"threads. Up: {four['up']['note']}. Down: {four['down']['note']}.",
    ]


def evaluations() -> Iterator[list[str]]:
    """One evaluation of every problem and method."""
    for name in chirospin.FAMILIES:
        for problem in importlib.import_module(f"chirospin.{name}").FAMILY.problems:
            for kind, method in problem.methods.items():
                setting = SETTINGS.get((problem.path, kind), {})
                model, one = problem.model().replace(**setting), method()
                (state,) = one.solve_many([model])
                seconds = median_time(
                    lambda one=one, model=model: next(iter(one.solve_many([model]))), 3
                )
                given = ", ".join(f"{k} = {v}" for k, v in setting.items()) or "defaults"
                verdict = "converged" if state.outcome.converged else "NOT CONVERGED"
                yield [problem.path, kind, given, f"{1e3 * seconds:.3g} ms", verdict]


def evaluated() -> list[str]:
    """The table of evaluations."""
    return [
        "## Time of one evaluation",
        "",
        "A state, without observables, audit and Dataset; median of three after a warm-up, where caches (bases, meshes, "
        "quadrature) are filled.",
        "",
        *table(["problem", "method", "model", "time", "outcome"], list(evaluations())),
    ]


def started() -> list[str]:
    """Import and the shell, each in a new process."""
    rows = []
    for title, command in (
        ("import chirospin", ["-c", "import chirospin"]),
        ("import chirospin; chirospin.junction", ["-c", "import chirospin; chirospin.junction"]),
        ("chirospin --version", ["-m", "chirospin", "--version"]),
        ("chirospin about", ["-m", "chirospin", "about"]),
        ("chirospin describe", ["-m", "chirospin", "describe"]),
        ("chirospin describe junction", ["-m", "chirospin", "describe", "junction"]),
        ("chirospin solve junction", ["-m", "chirospin", "solve", "junction"]),
    ):
        seconds = median_time(
            lambda c=command: subprocess.run([sys.executable, *c], check=True, capture_output=True),
            3,
        )
        rows.append([f"`{title}`", f"{seconds:.2f} s"])
    return ["## Start", "", *table(["command", "time"], rows)]


def failures() -> tuple[list[str], bool]:
    """The share of failures that say so."""
    found = [fails_safely.told(case) for case in fails_safely.CASES]
    loud = sum(one.kind != "SILENT" for one in found)
    made = fails_safely.generated(fails_safely.COUNT, fails_safely.SEED)
    kinds = ", ".join(f"{n} {k}" for k, n in Counter(one.kind for one in found).items())
    lines = [
        "## Fails safely",
        "",
        f"{loud} of {len(found)} questions that cannot be answered well say so ({kinds}): exit code 2 with one line, exit "
        "code 3, a failed audit on stderr, or NaN with its reason. `python -m benchmarks.fails_safely` runs them alone "
        "and fails if one is silent.",
        "",
        f"{made} (seed {fails_safely.SEED}). They are drawn from what every problem declares: parameters and options of "
        "extreme size, wrong kind or shape, digits of other scripts, texts of 100 kB, functions that raise, end the program "
        "or are none, garbage for every command. Each is refused in one line under "
        f"{fails_safely.LONGEST} characters or answered with a verdict; a traceback, a hang or a warning on the terminal "
        "is an error here.",
        "",
        *table(
            ["what is wrong", "ends", "says", "command"],
            [[o.case.why, o.kind, shorten(o.words, 160, placeholder=""), f"`chirospin {o.case.command}`"] for o in found],
        ),
    ]  # fmt: skip
    return lines, loud == len(found) and not made.faults


def peers() -> list[str]:
    """The scripts that compare a family with plain quadrature or plain solvers in the same run."""
    lines = ["## Against plain methods in the same run", ""]
    for name in PEERS:
        said = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"], check=True, capture_output=True, text=True
        ).stdout
        lines += [f"`benchmarks/{name}.py`:", "", "```text", said.rstrip(), "```", ""]
    return lines


def main() -> int:
    """Everything, section by section; a failure that is silent is an error."""
    start = time.perf_counter()
    lines = [
        "# Benchmarks",
        "",
        "Written by `make benchmark`. Counts are exact; times are of the machine named here, shared with others.",
        "",
    ]
    safely, good = failures()
    for part in (
        hardware,
        counted,
        against_qutip,
        sizes,
        evaluated,
        started,
        lambda: safely,
        peers,
    ):
        section = part()
        print("\n".join(section), flush=True)
        lines += section
    lines += [f"All of it took {time.perf_counter() - start:.0f} s.", ""]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    print(f"wrote {PAGE}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
