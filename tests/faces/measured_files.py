"""One set of curves in every layout that instruments and people write, with the traps of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.measured_sets import Truth, made

from chirospin.measured.curves import Curves

TRUTH = Truth(
    contacts=6,
    curves=2,
    enantiomers=("R", "S"),
    polarisation=0.5,
    between=0.6,
    blocks=6,
    conductance=200e-12,
    noise=0.05e-12,
)
SEED = 7


def a_set(**changes: object) -> Curves:
    """The curves that are written."""
    from dataclasses import replace

    return made(replace(TRUTH, **changes), SEED)  # type: ignore[arg-type]


def names(curves: Curves) -> list[str]:
    return [
        f"{e}_{m}_c{int(c):02d}_{int(o):04d}"
        for e, m, c, o in zip(
            curves.enantiomer, curves.magnetisation, curves.contact, curves.order, strict=True
        )
    ]


def wide(
    path: Path, curves: Curves, *, delimiter: str = ",", decimal: str = ".", bom: bool = False,
    units: bool = True, bias: str = "V", current: str = "nA", note: bool = False,
) -> Path:  # fmt: skip
    """A column a curve, a row of units, perhaps a remark, decimal commas, a byte-order mark."""
    scale = {"nA": 1e9, "pA": 1e12, "A": 1.0}[current]
    factor = {"V": 1.0, "mV": 1000.0}[bias]
    rows = [["# exported"], ["Bias", *names(curves)]]
    rows += [[bias, *[current] * len(curves)]] if units else []
    rows += [["tip", *["mc-AFM"] * len(curves)]] if note else []
    for V, column in zip(curves.bias, curves.current.T, strict=True):
        numbers = [f"{factor * V:.10g}", *(f"{scale * x:.9e}" for x in column)]
        rows.append([n.replace(".", decimal) for n in numbers])
    text = "\r\n".join(delimiter.join(row) for row in rows) + "\r\n"
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.encode())
    return path


def long(path: Path, curves: Curves) -> Path:
    """A row a point, labels in words of the laboratory."""
    words = {"up": "N", "down": "S", "R": "D", "S": "L", "achiral": "C16"}
    lines = ["# mc-AFM", "molecule\tmagnet\tspot\ttrace\tU/mV\tI/pA"]
    for n in range(len(curves)):
        labels = [words[curves.enantiomer[n]], words[curves.magnetisation[n]]]
        labels += [curves.contact[n], f"{curves.order[n]:.0f}"]
        for V, x in zip(curves.bias, curves.current[n], strict=True):
            lines.append("\t".join([*labels, f"{1000 * V:.6f}", f"{1e12 * x:.9e}"]))
    path.write_text("\n".join(lines) + "\n")
    return path


def loops(folder: Path, curves: Curves) -> list[Path]:
    """A file a curve, run as 0 -> + -> 0 -> - -> 0 twice, ends and zeros written twice."""
    folder.mkdir()
    V = curves.bias
    zero = int(np.flatnonzero(V == 0)[0])
    up, back = np.arange(zero, len(V)), np.arange(len(V) - 1, -1, -1)
    path = np.concatenate([up, back, np.arange(zero + 1)])
    found = []
    for name, row in zip(names(curves), curves.current, strict=True):
        lines = ["voltage\tabsJ\tcurrent (A)\ttime (s)"]
        for loop in range(2):
            for n, j in enumerate(path):
                lines.append(f"{V[j]:.6e}\t{abs(row[j]):.6e}\t{row[j]:.10e}\t{loop + n * 0.01:.2f}")
        file = folder / f"{name}.txt"
        file.write_text("\r\n".join(lines) + "\r\n")
        found.append(file)
    return found


def sheets(path: Path, curves: Curves) -> Path:
    """A sheet for each enantiomer and magnetisation, the unit inside the names."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for e in np.unique(curves.enantiomer):
        for m in ("up", "down"):
            sheet = book.create_sheet(f"{e} {m}")
            own = np.flatnonzero((curves.enantiomer == e) & (curves.magnetisation == m))
            heads = [f"c{int(curves.contact[n]):02d} [nA] {int(curves.order[n]):04d}" for n in own]
            sheet.append(["Spannung [V]", *heads])
            for j, V in enumerate(curves.bias):
                sheet.append([float(V), *(float(1e9 * curves.current[n, j]) for n in own)])
    book.save(path)
    return path


def nanonis(folder: Path, curves: Curves) -> list[Path]:
    """A file a curve, both directions, an average and a filtered column that must be left out."""
    folder.mkdir()
    found = []
    for n, name in enumerate(names(curves)):
        head = ["Experiment\tbias spectroscopy", f"Date\t03.02.2026 09:{n // 60:02d}:{n % 60:02d}"]
        head += ["Temperature 1>Temperature 1 (K)\t4.5", "", "[DATA]"]
        columns = ["Bias calc (V)", "Current [AVG] (A)", "Current [00001] (A)"]
        columns += ["Current [00001] [bwd] (A)", "Current [00001] [filt] (A)", "Phase (deg)"]
        lines = [*head, "\t".join(columns)]
        for V, x in zip(curves.bias, curves.current[n], strict=True):
            cells = [V, 9 * x, x, x, 7 * x, 12.0]
            lines.append("\t".join(f"{c:.9E}" for c in cells))
        file = folder / f"{name}.dat"
        file.write_text("\n".join(lines) + "\n")
        found.append(file)
    return found


def ramps(path: Path, curves: Curves) -> Path:
    """Blocks of two columns under a line in brackets, after a preamble of backslashes."""
    lines = ["\\*Ramp export", "\\Version: 1", ""]
    for name, row in zip(names(curves), curves.current, strict=True):
        lines.append(f"[TUNA_{name}_pA]")
        lines += [f"{V:.6f} {1e12 * x:.9e}" for V, x in zip(curves.bias, row, strict=True)]
        lines.append("")
    path.write_text("\n".join(lines) + "\n")
    return path
