"""A sweep on disk: a definition, and one small netCDF shard for each finished chunk of points.

``STORE/sweep.json`` says what the sweep is; ``STORE/shards/00000042.nc`` holds chunk 42. A shard appears
whole or not at all, so that a store is valid after any interruption and can be opened while it grows:
``xarray.open_dataset(STORE, engine="chirospin")``. Every shard is sealed to its bytes, its sweep and its place;
one that is damaged, of another sweep or in another's place is never read, and set aside by the next run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from filelock import FileLock, Timeout
from xarray.backends import BackendEntrypoint

import chirospin.base.accessor  # noqa: F401  registers ds.chirospin
from chirospin.base.errors import ModelError
from chirospin.base.results import joined_parts, load, renewed, split_parts
from chirospin.base.sealed import DamageError, netcdf_bytes, seal_of, sealed, written_whole

FORMAT = 2  # 1 had no seals
HEADER = "sweep.json"
SHARDS = "shards"
LOCK = "lock"
ASIDE = "set-aside"
PARTIAL = ".part"
SHARD = re.compile(r"[0-9]{8}\.nc")
KEYS = {"hash": str, "points": int, "chunk": int, "sweep": dict}
SWEEP_KEYS = {"problem": str, "methods": dict, "design": dict, "version": str}


@dataclass(frozen=True)
class Store:
    """A directory that holds a sweep."""

    path: Path

    @property
    def exists(self) -> bool:
        """Whether a sweep is there."""
        return (self.path / HEADER).is_file()

    def header(self) -> dict[str, Any]:
        """What the sweep is.

        Raises
        ------
        ModelError : no sweep there, unreadable, or of a newer format
        """
        if not self.exists:
            raise ModelError(f"Store `{self.path}` holds no sweep: it has no {HEADER}")
        try:
            header = json.loads((self.path / HEADER).read_text(encoding="utf-8"))
            number = int(header["format"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            words = str(error).splitlines()[0][:200]
            raise ModelError(f"Store `{self.path}` has an unreadable {HEADER}: {words}") from None
        if number > FORMAT:
            raise ModelError(
                f"Store `{self.path}` was written by a newer chirospin (format {number}, this one knows "
                f"{FORMAT}); upgrade to read it"
            )
        if not _is_header(header):
            raise ModelError(
                f"Store `{self.path}` has a damaged {HEADER}: it does not match its checksum; move the store "
                "away and run the sweep again"
            )
        return dict(header)

    def create(self, header: Mapping[str, Any]) -> None:
        """Begin a sweep, or continue the same one.

        Raises
        ------
        ModelError : another sweep is there, or the directory cannot be written
        """
        try:
            (self.path / SHARDS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"Store `{self.path}` cannot be written: {error.strerror}") from None
        if not os.access(self.path / SHARDS, os.W_OK):
            raise ModelError(f"Store `{self.path}` cannot be written: permission denied")
        if self.exists:
            old = self.header()
            if old["hash"] != header["hash"]:
                keys = dict.fromkeys([*header["sweep"], *old["sweep"]])
                changed = [k for k in keys if old["sweep"].get(k) != header["sweep"].get(k)]
                raise ModelError(
                    f"Store `{self.path}` holds another sweep (different: {', '.join(changed)}); "
                    "choose another store"
                )
            return
        own = (SHARDS, LOCK)
        foreign = [p.name for p in self.path.iterdir() if p.name not in own and p.suffix != PARTIAL]
        if foreign or any((self.path / SHARDS).iterdir()):
            shown = foreign[0] if foreign else SHARDS
            raise ModelError(
                f"Store `{self.path}` must be a new or empty directory, but has {shown}"
            )
        sealed_header = {**header, "format": FORMAT}
        sealed_header["seal"] = digest(sealed_header)
        written_whole(self.path / HEADER, json.dumps(sealed_header, indent=1).encode())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other sweeps out; the lock ends with the process, however it ends.

        Raises
        ------
        ModelError : another process is filling the store
        """
        lock = FileLock(self.path / LOCK, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise ModelError(
                f"Store `{self.path}` is being filled by another process; wait for it, or stop it"
            ) from None
        try:
            for left in (
                *self.path.glob(f".*{PARTIAL}"),
                *(self.path / SHARDS).glob(f"*{PARTIAL}"),
            ):
                left.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    @property
    def in_use(self) -> bool:
        """Whether a process is filling the store now."""
        if not (self.path / LOCK).exists():
            return False
        try:
            with FileLock(self.path / LOCK, blocking=False):
                return False
        except Timeout:
            return True
        except OSError:  # of a place that nobody here may write to
            return False

    def shard(self, chunk: int) -> Path:
        """The file of a chunk."""
        return self.path / SHARDS / f"{chunk:08d}.nc"

    def finished(self) -> set[int]:
        """Chunks that are there and whole."""
        header = self.header()
        return {n for n in self._numbers(header) if not _fault(self.shard(n), header)}

    def _numbers(self, header: Mapping[str, Any]) -> list[int]:
        """Chunks whose name is there."""
        named = [p for p in (self.path / SHARDS).glob("*.nc") if SHARD.fullmatch(p.name)]
        return sorted(n for p in named if (n := int(p.stem)) < _chunks(header))

    def faults(self) -> dict[str, str]:
        """What stands among the shards and is none of this sweep: name and reason."""
        header, place = self.header(), self.path / SHARDS
        every = sorted(place.iterdir()) if place.is_dir() else []
        found = {p.name: _fault(p, header) for p in every if p.suffix != PARTIAL}
        return {name: reason for name, reason in found.items() if reason}

    def set_aside(self) -> dict[str, str]:
        """Move away what is none of this sweep's shards, so that it is computed again; what was moved, and why."""
        moved = {}
        for name, reason in self.faults().items():
            place = self.path / ASIDE
            place.mkdir(exist_ok=True)
            target, n = place / name, 1
            while target.exists():
                target, n = place / f"{name}.{n}", n + 1
            (self.path / SHARDS / name).rename(target)
            moved[str(target)] = reason
        return moved

    def write(self, chunk: int, ds: xr.Dataset) -> None:
        """Keep a chunk, whole or not at all.

        Raises
        ------
        ModelError : the disk is full, or the store cannot be written
        """
        content = sealed(netcdf_bytes(split_parts(ds)), sweep=self.header()["hash"], chunk=chunk)
        try:
            written_whole(self.shard(chunk), content)
            _sync(self.shard(chunk).parent)
        except (ModelError, OSError) as error:
            cause = error.__context__ if isinstance(error, ModelError) else error
            words = getattr(cause, "strerror", None) or error
            raise ModelError(
                f"Store `{self.path}` cannot keep chunk {chunk}: {words}; what is finished is safe, and the "
                "same command continues"
            ) from None

    def read(self, chunk: int, header: Mapping[str, Any] | None = None) -> xr.Dataset:
        """One chunk.

        Parameters
        ----------
        header : that of this store, where many chunks are read

        Raises
        ------
        ModelError : damaged, or not this chunk of this sweep
        """
        header = header or self.header()
        path = self.shard(chunk)
        reason = _fault(path, header)
        try:
            if not reason:
                with xr.open_dataset(path, engine="h5netcdf") as ds:
                    loaded = renewed(joined_parts(ds.load()))
                first = chunk * header["chunk"]
                stop = min(first + header["chunk"], header["points"])
                if loaded["point"].values.tolist() == list(range(first, stop)):
                    return loaded
                reason = "it holds other points"
        except Exception as error:  # each engine has its own kinds
            reason = (str(error) or type(error).__name__).splitlines()[0]
        raise self._damaged(path.name, reason) from None

    def _damaged(self, name: str, reason: str) -> ModelError:
        return ModelError(
            f"Store `{self.path}` has a damaged shard {name} ({reason}); run the sweep again, which sets it aside"
        )

    def free(self) -> int:
        """Bytes left on its disk."""
        place = self.path
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def open(self, *, grid: bool = True) -> xr.Dataset:
        """Everything that is finished, labelled; a full grid as its own dimensions.

        Raises
        ------
        ModelError : not a sweep, or nothing finished yet
        """
        header = self.header()
        for name, reason in self.faults().items():
            raise self._damaged(name, reason)
        chunks = self._numbers(header)
        if not chunks:
            raise ModelError(f"Store `{self.path}` has no finished points yet")
        parts = [self.read(chunk, header) for chunk in chunks]
        whole = xr.concat(
            parts, "point", data_vars="minimal", coords="minimal", compat="override", join="outer",
            combine_attrs="override",
        )  # fmt: skip
        whole.attrs |= {"points": header["points"], "sweep_hash": header["hash"]}
        design = header["sweep"]["design"]
        axes = {k: v for k, v in design["grid"].items() if len(v)}
        plain = not design["columns"] and not design["distributions"]
        if grid and plain and whole.sizes["point"] == header["points"]:
            return _on_grid(whole, axes)
        return whole


def _on_grid(ds: xr.Dataset, axes: Mapping[str, list[Any]]) -> xr.Dataset:
    """Points in the order of the grid as its dimensions."""
    ds = ds.sortby("point")
    attrs = {name: ds[name].attrs for name in axes}
    shape = tuple(len(v) for v in axes.values())
    data: dict[Any, xr.Variable] = {}
    coords: dict[Any, xr.Variable] = {}
    for name, v in ds.variables.items():
        if name in axes or name == "point":
            continue
        if "point" not in v.dims:
            (data if name in ds.data_vars else coords)[name] = v
            continue
        at = v.dims.index("point")
        dims = (*v.dims[:at], *axes, *v.dims[at + 1 :])
        folded = v.values.reshape(*v.shape[:at], *shape, *v.shape[at + 1 :])
        (data if name in ds.data_vars else coords)[name] = xr.Variable(dims, folded, v.attrs)
    for name, values in axes.items():
        coords[name] = xr.Variable(name, np.asarray(values), attrs[name])
    return xr.Dataset(data, coords, ds.attrs)


def digest(body: Mapping[str, Any]) -> str:
    """Hash of plain data, whatever its order."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _chunks(header: Mapping[str, Any]) -> int:
    return -(-int(header["points"]) // int(header["chunk"]))


def _fault(path: Path, header: Mapping[str, Any]) -> str:
    """Why a file is not the shard that its name says; empty if it is."""
    if not SHARD.fullmatch(path.name) or int(path.stem) >= _chunks(header) or not path.is_file():
        return "no place of this sweep has this name"
    try:
        seal = seal_of(path)
    except DamageError:
        return "its bytes are not those that were written"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if seal is None:
        return "" if header["format"] == 1 else "it has no seal"
    if seal.get("sweep") != header["hash"]:
        return "it belongs to another sweep"
    if seal.get("chunk") != int(path.stem):
        return f"it belongs in the place of chunk {seal.get('chunk')}"
    return ""


def _is_header(header: Mapping[str, Any]) -> bool:
    """Whether a definition is the one that was written."""
    body = header.get("sweep")
    kinds = [isinstance(header.get(k), kind) for k, kind in KEYS.items()]
    if not all(kinds) or not isinstance(body, dict) or min(header["points"], header["chunk"]) < 1:
        return False
    if not all(isinstance(body.get(k), kind) for k, kind in SWEEP_KEYS.items()):
        return False
    seal = digest({k: v for k, v in header.items() if k != "seal"})
    return digest(body) == header["hash"] and (header["format"] == 1 or header.get("seal") == seal)


def _sync(directory: Path) -> None:
    try:
        handle = os.open(directory, os.O_RDONLY)
    except PermissionError:  # Windows opens no directory
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class StoreBackend(BackendEntrypoint):
    """``xarray.open_dataset(STORE, engine="chirospin")``, of a sweep's store or a result's file."""

    description = "Results of chirospin: a sweep's directory of netCDF shards, FILE.nc or DIR.zarr"

    def open_dataset(
        self, filename_or_obj: Any, *, drop_variables: Any = None, grid: bool = True
    ) -> xr.Dataset:
        """Everything that is finished; of a file all, its checksum compared."""
        store = Store(Path(filename_or_obj))
        ds = store.open(grid=grid) if store.exists or store.path.suffix == "" else load(store.path)
        return ds if drop_variables is None else ds.drop_vars(drop_variables)

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """A directory with a sweep's definition."""
        try:
            return (Path(filename_or_obj) / HEADER).is_file()
        except TypeError:
            return False
