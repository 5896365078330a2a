"""A fit of the package's own model, from curves of a known truth to the verdict, with what it costs.

    python -m benchmarks.fit_model
    python -m benchmarks.fit_model page

Curves of junction.bias, contacts that scatter, a file, and then `chirospin measured` and `chirospin fit` as a user types
them. Writes docs/validation/fit_model.md; `page` writes it of the cases that are on record. Solves and runs are kept in
.benchmarks/fit_model: a stopped one goes on.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.emulator_calibration import CONTACTS, STACK, VARIED, VOLTS
from benchmarks.fit_calibration import BIASES
from chirospin import junction
from chirospin.base.families import problem
from chirospin.faces.cli import main

FOLDER = Path(".benchmarks/fit_model")
PAGE = Path("docs/validation/fit_model.md")
CASES = {
    "from 0.45 V": VOLTS * BIASES,
    "from 0.2 V": np.array([-1.5, -0.9, -0.45, -0.2, 0.2, 0.45, 0.9, 1.5]),
}
"""Biases of the curves: at 0.2 V the level is outside the window, and ln I turns within kT of the gate."""
TRUTH = {"gate": -0.65, "coupling": 0.02, "spin_orbit": 0.06}
BETWEEN, SLOPE, NOISE = 0.3, 0.05, 0.01
"""Scatter of ln I between contacts, of its slope at the largest bias, of a point."""
AREA = 100.0
"""Molecules in a contact: the fit does not know."""
TRAINING = 32
MECHANISMS = "level.null,level.factor,junction.bias"


def currents(bias: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the truth, A, (magnetisation, bias)."""
    model = problem("junction.bias").model(**STACK | TRUTH)
    ds = junction.solve(model, "redfield", over={"bias": bias}, observables=["current"])
    return np.asarray(ds.current.transpose("magnetisation", "bias").values)


def written(path: Path, bias: NDArray[np.float64], seed: int = 3) -> NDArray[np.float64]:
    """Contacts of both magnetisations in a file; P of the truth."""
    rng, found = np.random.default_rng(seed), currents(bias)
    names, columns = [], []
    slope = np.abs(bias) / np.abs(bias).max()
    order = rng.permutation(2 * CONTACTS)
    for n, place in enumerate(order):
        up = place < CONTACTS
        size = np.exp(
            BETWEEN * rng.normal()
            + SLOPE * rng.normal() * slope
            + NOISE * rng.normal(size=len(bias))
        )
        names.append(f"R_{'up' if up else 'down'}_c{n:03d}_{n:04d}")
        columns.append(1e9 * AREA * size * found[0 if up else 1])
    rows = [["Bias", *names], ["V", *["nA"] * len(names)]]
    rows += [[f"{V:g}", *(f"{c[k]:.9e}" for c in columns)] for k, V in enumerate(bias)]
    path.write_text("\n".join(",".join(row) for row in rows) + "\n", "utf-8")
    return np.asarray((found[0] - found[1]) / (found[0] + found[1]))


def typed(*words: str) -> tuple[int, str]:
    """Exit code and what was printed."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = main(list(words))
    return code, out.getvalue()


def asked(curves: Path, store: Path, out: Path) -> list[str]:
    """The command of the fit."""
    fixed = [f"{name}={value:g}" for name, value in STACK.items() if name not in ("bias", *TRUTH)]
    words = ["fit", str(curves), "--mechanism", MECHANISMS, "--method", "redfield"]
    words += ["--training", str(TRAINING), "--store", str(store), "--out", str(out)]
    for one in fixed:
        words += ["--set", one]
    for name, low, high, log in VARIED:
        words += ["--vary", f"{name}={low:g}:{high:g}{':log' if log else ''}"]
    return [*words, "--plot", str(out.with_suffix(".png"))]


def case(folder: Path, bias: NDArray[np.float64]) -> dict[str, Any]:
    """What came out of one fit; kept, for it takes minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "told.json"
    if record.exists():
        return dict(json.loads(record.read_text("utf-8")))
    file, curves, out = (folder / name for name in ("curves.csv", "m.nc", "f.nc"))
    P = written(file, bias)
    for old in (curves, out):
        old.unlink(missing_ok=True)
    typed("measured", str(file), "--floor", "1e-9 nA", "--out", str(curves))
    words = asked(curves, folder / "store", out)
    begun = time.process_time()
    code, told = typed(*words)
    seconds = round(time.process_time() - begun)
    ds = xr.open_dataset(out, engine="h5netcdf")
    line = "chirospin " + " ".join(words)
    kept = [np.load(one)["points"] for one in (folder / "store").glob("emulator-*.npz")]
    found = {
        "points": sum(map(len, kept)),
        "P": float(P[np.argmax(np.abs(P))]),
        "code": code,
        "seconds": seconds,
        "told": told.replace(f"{folder}/", "").rstrip(),
        "line": line.replace(f"{folder}/", ""),
        "facts": json.loads(str(ds.attrs["facts"])),
    }
    record.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return found


HEAD = f"""# A fit of the package's own model

Written by `python -m benchmarks.fit_model`. Curves of `junction.bias` by redfield, heavy atoms and an ideal lead, by
{CONTACTS} contacts of each magnetisation that scatter by {BETWEEN:g} of ln I, by {SLOPE:g} of its slope and by {NOISE:g} a point. The file was read by
`chirospin measured` and fitted by the command shown, with every other parameter at its true value. A solve is one model at
one bias, both magnetisations; seconds are of one core, on a machine with other work."""


def section(name: str, one: dict[str, Any]) -> Iterator[str]:
    """What came out, as Markdown."""
    mechanisms = one["facts"]["mechanisms"]
    own = mechanisms["junction.bias"]
    calls = sum(m["calls"] for m in mechanisms.values())
    lines = one["line"]
    for word in (" --training", " --vary", " --plot"):
        lines = lines.replace(word, f" \\\n   {word}")
    yield f"""
## Curves {name}

The largest P of the truth is {one["P"]:+.3f}.

```text
{lines}
```

The emulator's store holds {one["points"]} points, each at {len(one["facts"]["bias"])} biases; {own["solves"]} of their solves are of this run, the others of one
that was stopped. {calls / 1000:.0f} 000 evaluations of likelihoods. This run took {one["seconds"]} s. Exit code {one["code"]}.
"""
    if not own["failures"]:
        yield """| parameter | truth | median | 95 % | prior | posterior/prior | truth inside |
|---|---|---|---|---|---|---|"""
        for parameter, value in TRUTH.items():
            p = own["parameters"][parameter]
            low, high = p["interval_95"]
            inside = "yes" if low <= value <= high else "no"
            yield (
                f"| {parameter} | {value:g} | {p['median']:.3g} | {low:.3g} .. {high:.3g} | {p['prior']} | "
                f"{p['ratio']:.2f} | {inside} |"
            )
    yield f"""
```text
{one["told"]}
```"""


def run(only_recorded: bool) -> None:
    """Every case, and the page."""
    parts = [HEAD]
    for name, bias in CASES.items():
        folder = FOLDER / name.replace(" ", "-")
        if not only_recorded or (folder / "told.json").exists():
            parts += section(name, case(folder, bias))
    PAGE.write_text("\n".join(parts) + "\n", "utf-8")


if __name__ == "__main__":
    run(sys.argv[1:] == ["page"])
