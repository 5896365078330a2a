"""Of damaged files and stores, what share is named?

Each case takes a result or a store that this program wrote, damages it with a seeded generator, and gives it to
``chirospin audit``, ``report``, ``cite`` or ``status`` in a process of its own. It is named if it ends in time with
exit code 2 (or 1, where a store is counted without its damaged shard), at least one line, and no traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from chirospin.base.results import load
from chirospin.faces.cli import main as chirospin

PATIENCE = 120.0  # seconds for a command
LONGEST = 500  # characters of a line


@dataclass(frozen=True, kw_only=True)
class Told:
    """How a command ended: its exit code, None where it had to be ended, and what it said on stderr."""

    code: int | None
    words: str

    @property
    def named(self) -> bool:
        """Whether the damage was said in lines of a readable length."""
        lines = self.words.splitlines()
        short = bool(lines) and max(map(len, lines)) <= LONGEST
        return self.code in (1, 2) and short and "Traceback" not in self.words


def flipped(content: bytes, dice: random.Random) -> bytes:
    """One bit turned."""
    place = dice.randrange(len(content))
    return (
        content[:place] + bytes([content[place] ^ (1 << dice.randrange(8))]) + content[place + 1 :]
    )


def cut(content: bytes, dice: random.Random) -> bytes:
    """The end lost."""
    return content[: dice.randrange(len(content))]


def garbled(content: bytes, dice: random.Random) -> bytes:
    """A run of bytes replaced by noise."""
    length = dice.randrange(1, min(512, len(content)) + 1)
    place = dice.randrange(len(content) - length + 1)
    noise = dice.randbytes(length)
    if noise == content[place : place + length]:
        return garbled(content, dice)
    return content[:place] + noise + content[place + length :]


def zeroed(content: bytes, dice: random.Random) -> bytes:
    """A block of zeros, as a disk leaves it."""
    place = dice.randrange(len(content))
    whole = content[:place] + bytes(min(512, len(content) - place)) + content[place + 512 :]
    return whole if whole != content else flipped(content, dice)


def doubled(content: bytes, dice: random.Random) -> bytes:
    """A part written twice."""
    place = dice.randrange(1, len(content))
    return content[:place] + content[place // 2 :]


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flipped,
    cut,
    garbled,
    zeroed,
    doubled,
)


def originals(folder: Path) -> dict[str, Path]:
    """A netCDF file, a Zarr folder and a store, all of them good."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"netCDF": folder / "a.nc", "Zarr": folder / "a.zarr", "store": folder / "a.sweep"}
    question = ["junction", "--method", "landauer", "--set", "hubbard=0"]
    plan = folder / "a.toml"
    plan.write_text(
        'family = "junction"\nmethod = "landauer"\nchunk = 2\n[set]\nhubbard = 0\n'
        "[grid]\nenergy_b = [0.2, 0.4, 0.6, 0.8, 1.0, 1.2]\n"
    )
    with contextlib.redirect_stdout(io.StringIO()):
        for kind in ("netCDF", "Zarr"):
            code = chirospin(
                ["solve", *question, "--over", "energy_b=0.2:1.2:6", "--out", str(paths[kind])]
            )
            assert code == 0
        assert chirospin(["sweep", str(plan), "--workers", "1"]) == 0
    return paths


def damaged(kind: str, source: Path, target: Path, dice: random.Random) -> str:
    """A damaged copy; what was done in words."""
    if kind == "netCDF":
        how = dice.choice(DAMAGES)
        target.write_bytes(how(source.read_bytes(), dice))
        return how.__name__
    shutil.copytree(source, target)
    parts = sorted(p for p in target.rglob("*") if p.is_file() and p.stat().st_size)
    if kind == "Zarr":
        if dice.random() < 0.2:
            lost = dice.choice([p for p in parts if "c" in p.relative_to(target).parts])
            lost.unlink()
            return f"lost {lost.relative_to(target)}"
        return _one_damaged(dice.choice(parts), target, dice)
    shards = [p for p in parts if p.suffix == ".nc"]
    deed = dice.randrange(5)
    if deed == 0:
        one, other = dice.sample(shards, 2)
        shutil.copyfile(one, other)
        return f"{one.name} in the place of {other.name}"
    if deed == 1:
        name = dice.choice(("00000099.nc", "x.nc", "0.nc", "00000003.nc"))
        shutil.copyfile(shards[0], shards[0].with_name(name))
        return f"extra {name}"
    if deed == 2:
        header = target / "sweep.json"
        body = json.loads(header.read_text())
        key = dice.choice(("points", "chunk", "hash", "sweep", "format", "seal"))
        body[key] = dice.choice((None, -1, 0, 1, 7, "x", [], {}, 1e400))
        header.write_text(json.dumps(body))
        return f"sweep.json: {key} = {body[key]}"
    chosen = dice.choice(shards) if deed == 3 else target / "sweep.json"
    return _one_damaged(chosen, target, dice)


def _one_damaged(path: Path, folder: Path, dice: random.Random) -> str:
    how = dice.choice(DAMAGES)
    path.write_bytes(how(path.read_bytes(), dice))
    return f"{how.__name__} {path.relative_to(folder)}"


def command(kind: str, target: Path, dice: random.Random) -> list[str]:
    """What is asked of the damaged copy."""
    verbs = ("audit", "report", "status") if kind == "store" else ("audit", "report", "cite")
    verb = dice.choice(verbs)
    out = ["--out", str(target.with_name("r.html"))] if verb == "report" else []
    return [verb, str(target), *out]


def _told(arguments: list[str], sender: Any) -> None:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as complaint,
    ):
        try:
            code: int | None = chirospin(arguments)
        except BaseException as error:
            code = None
            complaint.write(f"Traceback: {type(error).__name__}: {error}")
    sender.send(Told(code=code, words=complaint.getvalue()))


def told(arguments: list[str]) -> Told:
    """Run a command in a process of its own, which is ended if it does not end."""
    receiver, sender = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_told, args=(arguments, sender))
    process.start()
    sender.close()
    try:
        if receiver.poll(PATIENCE):
            return receiver.recv()  # type: ignore[no-any-return]
        return Told(code=None, words="HANG")
    except EOFError:
        return Told(code=None, words="DIED")
    finally:
        process.kill()
        process.join()


def unharmed(source: Path, target: Path) -> bool:
    """Whether every value is what was written: the damage met the seal behind the data alone."""
    return bool(load(source).identical(load(target)))


def main(arguments: list[str] | None = None) -> int:
    """Damage, ask, count; an error if one is not named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--seed", type=int, default=17)
    given = parser.parse_args(arguments)
    dice, start = random.Random(given.seed), time.perf_counter()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = originals(folder)
        for n in range(given.cases):
            kind = ("netCDF", "Zarr", "store")[n % 3]
            target = folder / str(n) / good[kind].name
            target.parent.mkdir()
            deed = damaged(kind, good[kind], target, dice)
            asked = command(kind, target, dice)
            found = told(asked)
            word = f"{kind} named" if found.named else "NOT NAMED"
            if found.code == 0 and kind == "netCDF" and unharmed(good[kind], target):
                word = "netCDF whole"
            counts[word] += 1
            if word == "NOT NAMED":
                print(f"NOT NAMED: {kind}, {deed}, {asked[0]}: {found}")
            shutil.rmtree(target.parent)
    named = given.cases - counts["NOT NAMED"]
    kinds = ", ".join(f"{many} {what}" for what, many in sorted(counts.items()))
    print(
        f"{named} of {given.cases} damaged files and stores are named, or whole ({kinds}), "
        f"in {time.perf_counter() - start:.0f} s"
    )
    return int(named != given.cases)


if __name__ == "__main__":
    sys.exit(main())
