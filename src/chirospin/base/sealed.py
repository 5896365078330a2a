"""Files that say whether they are whole: written beside and swapped in, sealed, never over another's work.

A sealed file ends with one line that holds the SHA-256 of all bytes before it. HDF5 does not look behind its own
end, so that a sealed netCDF file stays one for every program, and damage is seen before HDF5 reads a byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chirospin.base.errors import ModelError

if TYPE_CHECKING:
    import xarray as xr

TOKEN = b"chirospin-seal"
_SEAL = re.compile(rb"\n" + TOKEN + rb" (\{[^{}]*\}) " + TOKEN + rb"\n\Z")
TAIL = 1024  # bytes at the end of a file among which its seal is looked for
BLOCK = 1 << 20  # bytes that are hashed at a time
MARK = "made by chirospin"  # in the first or last bytes of every page and figure that it writes
MARKED = 4096  # of these bytes
PATIENCE, PACE = (
    20.0,
    2e7,
)  # seconds of the processor, and bytes for each, that reading a file without a seal may take
BUSY = 6  # times as long on a machine that has more to do
SPENT = -int(getattr(signal, "SIGXCPU", 255))  # how a process ends whose seconds are over
ROOM = 2 << 30  # bytes of memory beyond four times its size
PARTIAL = ".part"
ZARR_ROOT, FILES = "zarr.json", "files_checksum"
_TRIAL = """
import sys, time
path, room, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
import h5netcdf, xarray
try:
    import resource
except ImportError:  # Windows has no such limits
    pass
else:
    last = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CPU, (last, last + 1))
try:
    with xarray.open_dataset(path, engine="h5netcdf") as ds:
        ds.load()
        print("chirospin_schema" in ds.attrs)
except MemoryError:
    print("it asks for more memory than its size explains", file=sys.stderr)
    raise SystemExit(1)
except Exception as error:
    print(str(error) or type(error).__name__, file=sys.stderr)
    raise SystemExit(1)
"""


class DamageError(ModelError):
    """A file whose bytes are not those that were written."""


def netcdf_bytes(ds: xr.Dataset) -> bytes:
    """A Dataset as the bytes of a netCDF file: made in memory, since HDF5 does not survive a full disk."""
    dask = sys.modules.get("dask")  # a cluster that is connected would lock the memory by its name
    here = dask.config.set(scheduler="synchronous") if dask else contextlib.nullcontext()
    with here:
        return bytes(ds.to_netcdf(engine="h5netcdf"))


def sealed(content: bytes, **place: Any) -> bytes:
    """Bytes with the line that holds their checksum, and what else ties them to their place."""
    facts = {"sha256": hashlib.sha256(content).hexdigest(), **place}
    line = json.dumps(facts).encode()
    return content + b"\n" + TOKEN + b" " + line + b" " + TOKEN + b"\n"


def seal_of(path: Path) -> dict[str, Any] | None:
    """What the seal of a file says, its bytes compared with it; None where there is no seal.

    Raises
    ------
    DamageError : the bytes, or the seal, are not those that were written
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL))
        tail = file.read()
        match = _SEAL.search(tail)
        if match is None:
            if TOKEN in tail:
                raise DamageError(f"File `{path}` is damaged: its seal is broken")
            return None
        digest, left = hashlib.sha256(), size - len(match[0])
        file.seek(0)
        while left > 0 and (block := file.read(min(BLOCK, left))):
            digest.update(block)
            left -= len(block)
    try:
        facts = json.loads(match[1])
        written = facts["sha256"]
    except (ValueError, KeyError, TypeError):
        raise DamageError(f"File `{path}` is damaged: its seal is broken") from None
    if written != digest.hexdigest():
        raise DamageError(f"File `{path}` is damaged: its bytes do not match its seal")
    return dict(facts)


def tried(path: Path) -> bool:
    """Read a file without a seal in a process of its own first; whether it is a result of this program.

    A damaged file may send HDF5 round in circles, to the end of the memory, or down.

    Raises
    ------
    DamageError : not read to its end in a time and a memory that its size explains
    """
    size = path.stat().st_size
    seconds = PATIENCE + size / PACE
    command = [sys.executable, "-P", "-c", _TRIAL, str(path), str(4 * size + ROOM), str(seconds)]
    endless = DamageError(f"File `{path}` is not a readable result: reading it does not end")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=BUSY * seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise endless from None
    if done.returncode == SPENT:
        raise endless
    if done.returncode:
        words = done.stderr.strip().splitlines()
        why = words[0] if done.returncode == 1 and words else "reading it ends the process"
        raise DamageError(f"File `{path}` is not a readable result: {why}")
    return done.stdout.strip() == "True"


@contextlib.contextmanager
def swapped(path: Path) -> Iterator[Path]:
    """A new name beside a path, which takes its place when the block ends well.

    Raises
    ------
    ModelError : the disk is full, or the place cannot be written; what was there is untouched
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        try:
            yield part
            _exchange(part, target)
        except OSError as error:
            raise ModelError(
                f"File `{path}` cannot be written: {error.strerror or error}; what was there is untouched"
            ) from None
    finally:
        _removed(part)


def _exchange(part: Path, target: Path) -> None:
    if not target.is_dir():
        part.replace(target)
        return
    old = part.with_name(part.name + ".old")
    target.rename(old)
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise
    _removed(old)


def _removed(part: Path) -> None:
    with contextlib.suppress(OSError):
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


def written_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    ModelError : the disk is full, or the place cannot be written; what was there is untouched
    """
    with swapped(path) as part, part.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def refuse_foreign(path: Path) -> None:
    """Keep what this program did not write from being replaced.

    Raises
    ------
    ModelError : something is there, and it is not a result, figure or page of this program
    """
    if not path.exists():
        return
    inside = foreign_in_zarr(path) if path.is_dir() else None
    if inside is not None or (path.is_file() and not _is_ours(path)):
        where = f" ({inside})" if inside else ""
        raise ModelError(
            f"File `{path}` is there and was not written by chirospin{where}; choose another name, or move "
            "it away"
        )


def _is_ours(path: Path) -> bool:
    size = path.stat().st_size
    if not size:
        return True
    with path.open("rb") as file:
        head = file.read(MARKED)
        file.seek(max(0, size - MARKED))
        tail = file.read()
    if path.suffix != ".nc":
        return MARK.encode() in head or MARK.encode() in tail
    if TOKEN in tail:
        return True
    try:
        return tried(path)
    except DamageError:
        return False


def foreign_in_zarr(path: Path) -> str | None:
    """The first thing in a folder that is no part of a Zarr result of this program; None if all is."""
    inside = sorted(p for p in path.rglob("*") if not p.is_dir())
    if not inside:
        return None
    try:
        root = zarr_root(path)
    except ModelError:
        return ZARR_ROOT
    if "chirospin_schema" not in root:
        return ZARR_ROOT
    for member in inside:
        parts = member.relative_to(path).parts
        plain = member.name == ZARR_ROOT and len(parts) <= 2
        chunk = len(parts) >= 2 and parts[1] == "c" and (path / parts[0] / ZARR_ROOT).is_file()
        if not plain and not chunk:
            return "/".join(parts)
    return None


def zarr_root(path: Path) -> dict[str, Any]:
    """Attributes of a Zarr group.

    Raises
    ------
    DamageError : no group, or not JSON
    """
    try:
        facts = json.loads((path / ZARR_ROOT).read_text(encoding="utf-8"))
        return dict(facts["attributes"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise DamageError(f"File `{path}` is not a readable result: no {ZARR_ROOT}") from None


def zarr_files(path: Path) -> str:
    """Checksum of every file of a Zarr folder but the one that holds the checksum."""
    digest = hashlib.sha256()
    for member in sorted(p for p in path.rglob("*") if p.is_file()):
        name = member.relative_to(path).as_posix()
        if name != ZARR_ROOT:
            content = hashlib.sha256(member.read_bytes()).hexdigest()
            digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()


def seal_zarr(path: Path) -> None:
    """Write the checksum of its files into a Zarr folder."""
    facts = json.loads((path / ZARR_ROOT).read_text(encoding="utf-8"))
    facts["attributes"][FILES] = zarr_files(path)
    (path / ZARR_ROOT).write_text(json.dumps(facts, indent=2), encoding="utf-8")


def check_zarr(path: Path) -> None:
    """Compare the files of a Zarr folder with their checksum, if it has one.

    Raises
    ------
    DamageError : a file is damaged, missing or more
    """
    written = zarr_root(path).get(FILES)
    if written is not None and written != zarr_files(path):
        raise DamageError(f"File `{path}` is damaged: its files do not match its checksum")
