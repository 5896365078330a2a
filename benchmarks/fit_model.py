"""A fit of the package's own model, from curves of a known truth to the verdict, with what it costs.

    python -m benchmarks.fit_model [FOLDER]

Curves of junction.bias, contacts that scatter, a file, and then `chirospin measured` and `chirospin fit` as a user types
them. Writes docs/validation/fit_model.md. Solves and runs are kept in FOLDER: a stopped one goes on.
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

from benchmarks.emulator_calibration import CONTACTS, STACK, VARIED
from chirospin import junction
from chirospin.base.families import problem
from chirospin.faces.cli import main

FOLDER = Path(".benchmarks/fit_model")
PAGE = Path("docs/validation/fit_model.md")
BIAS = np.array([-1.5, -0.9, -0.45, -0.2, 0.2, 0.45, 0.9, 1.5])
TRUTH = {"gate": -0.65, "coupling": 0.02, "spin_orbit": 0.06}
BETWEEN, SLOPE, NOISE = 0.3, 0.05, 0.01
"""Scatter of ln I between contacts, of its slope at the largest bias, of a point."""
AREA = 100.0
"""Molecules in a contact: the fit does not know."""
TRAINING = 32
MECHANISMS = "level.null,level.factor,junction.bias"


def currents() -> NDArray[np.float64]:
    """Of the truth, A, (magnetisation, bias)."""
    model = problem("junction.bias").model(**STACK | TRUTH)
    ds = junction.solve(model, "redfield", over={"bias": BIAS}, observables=["current"])
    return np.asarray(ds.current.transpose("magnetisation", "bias").values)


def written(path: Path, seed: int = 3) -> NDArray[np.float64]:
    """Contacts of both magnetisations in a file; P of the truth."""
    rng, found = np.random.default_rng(seed), currents()
    names, columns = [], []
    slope = np.abs(BIAS) / np.abs(BIAS).max()
    order = rng.permutation(2 * CONTACTS)
    for n, place in enumerate(order):
        up = place < CONTACTS
        size = np.exp(
            BETWEEN * rng.normal()
            + SLOPE * rng.normal() * slope
            + NOISE * rng.normal(size=len(BIAS))
        )
        names.append(f"R_{'up' if up else 'down'}_c{n:03d}_{n:04d}")
        columns.append(1e9 * AREA * size * found[0 if up else 1])
    rows = [["Bias", *names], ["V", *["nA"] * len(names)]]
    rows += [[f"{V:g}", *(f"{c[k]:.9e}" for c in columns)] for k, V in enumerate(BIAS)]
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


def page(P: NDArray[np.float64], code: int, told: str, ds: xr.Dataset, line: str, seconds: float) -> Iterator[str]:  # fmt: skip
    """What came out, as Markdown."""
    facts: dict[str, Any] = json.loads(str(ds.attrs["facts"]))
    one = facts["mechanisms"]["junction.bias"]
    largest = int(np.argmax(np.abs(P)))
    yield f"""# A fit of the package's own model

Written by `python -m benchmarks.fit_model`. Curves of `junction.bias` by redfield (heavy atoms, an ideal lead; P is at most
{P[largest]:+.3f}, at {BIAS[largest]:+g} V), {CONTACTS} contacts of each magnetisation that scatter by {BETWEEN:g} of ln I, by {SLOPE:g} of its slope
and by {NOISE:g} a point. The file was read by `chirospin measured` and fitted by

```text
{line}
```

It took {one["solves"]} solves of the model, each of both magnetisations, {sum(m["calls"] for m in facts["mechanisms"].values()) / 1000:.0f} 000 evaluations of likelihoods, and {seconds:.0f} s of one
core, on a machine with other work. Exit code {code}.

| parameter | truth | median | 95 % | prior | posterior/prior | truth inside |
|---|---|---|---|---|---|---|"""
    for name, value in TRUTH.items():
        p = one["parameters"][name]
        low, high = p["interval_95"]
        yield (
            f"| {name} | {value:g} | {p['median']:.3g} | {low:.3g} .. {high:.3g} | {p['prior']} | {p['ratio']:.2f} | "
            f"{'yes' if low <= value <= high else 'no'} |"
        )
    yield f"""
What the command printed:

```text
{told.rstrip()}
```"""


def run(folder: Path) -> None:
    """Everything, and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    P = written(folder / "curves.csv")
    file, curves = folder / "curves.csv", folder / "m.nc"
    curves.unlink(missing_ok=True)
    typed("measured", str(file), "--floor", "1e-9 nA", "--out", str(curves))
    words = asked(curves, folder / "store", folder / "f.nc")
    begun = time.process_time()
    code, told = typed(*words)
    seconds = time.process_time() - begun
    ds = xr.open_dataset(folder / "f.nc", engine="h5netcdf")
    line = "chirospin " + " ".join(words).replace(str(folder) + "/", "").replace(" --vary", " \\\n    --vary").replace(" --training", " \\\n    --training")  # fmt: skip
    text = "\n".join(page(P, code, told.replace(str(folder) + "/", ""), ds, line, seconds))
    PAGE.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
