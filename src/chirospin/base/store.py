"""A sweep on disk: a definition, and one small netCDF shard for each finished chunk of points.

``STORE/sweep.json`` says what the sweep is; ``STORE/shards/00000042.nc`` holds chunk 42. A shard appears
whole or not at all, so that a store is valid after any interruption and can be opened while it grows:
``xarray.open_dataset(STORE, engine="chirospin")``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendEntrypoint

from chirospin.base.errors import ModelError
from chirospin.base.results import joined_parts, split_parts

FORMAT = 1
HEADER = "sweep.json"
SHARDS = "shards"
LOCK = "lock"
PARTIAL = ".part"


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
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"Store `{self.path}` has an unreadable {HEADER}: {error}") from None
        if number > FORMAT:
            raise ModelError(
                f"Store `{self.path}` was written by a newer chirospin (format {number}, this one knows "
                f"{FORMAT}); upgrade to read it"
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
                changed = [k for k in header["sweep"] if old["sweep"].get(k) != header["sweep"][k]]
                raise ModelError(
                    f"Store `{self.path}` holds another sweep (different: {', '.join(changed)}); "
                    "choose another store"
                )
            return
        foreign = [p.name for p in self.path.iterdir() if p.name not in (SHARDS, LOCK)]
        if foreign or any((self.path / SHARDS).iterdir()):
            shown = foreign[0] if foreign else SHARDS
            raise ModelError(
                f"Store `{self.path}` must be a new or empty directory, but has {shown}"
            )
        _write(self.path / HEADER, json.dumps(header, indent=1).encode())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other sweeps out; the lock ends with the process, however it ends.

        Raises
        ------
        ModelError : another process is filling the store
        """
        with (self.path / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ModelError(
                    f"Store `{self.path}` is being filled by another process; wait for it, or stop it"
                ) from None
            for left in (self.path / SHARDS).glob(f"*{PARTIAL}"):
                left.unlink(missing_ok=True)
            yield

    @property
    def in_use(self) -> bool:
        """Whether a process is filling the store now."""
        try:
            with (self.path / LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def shard(self, chunk: int) -> Path:
        """The file of a chunk."""
        return self.path / SHARDS / f"{chunk:08d}.nc"

    def finished(self) -> set[int]:
        """Chunks that are there."""
        return {int(p.stem) for p in (self.path / SHARDS).glob("*.nc") if p.stem.isdigit()}

    def write(self, chunk: int, ds: xr.Dataset) -> None:
        """Keep a chunk, whole or not at all.

        Raises
        ------
        ModelError : the disk is full, or the store cannot be written
        """
        target = self.shard(chunk)
        part = target.with_suffix(PARTIAL)
        try:
            split_parts(ds).to_netcdf(part, engine="h5netcdf")
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(target)
            _sync(target.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise ModelError(
                f"Store `{self.path}` cannot keep chunk {chunk}: {error.strerror or error}; what is "
                "finished is safe, and the same command continues"
            ) from None

    def read(self, chunk: int) -> xr.Dataset:
        """One chunk.

        Raises
        ------
        ModelError : damaged
        """
        try:
            with xr.open_dataset(self.shard(chunk), engine="h5netcdf") as ds:
                return joined_parts(ds.load())
        except Exception as error:  # each engine has its own kinds
            raise ModelError(
                f"Store `{self.path}` has a damaged shard {self.shard(chunk).name}; delete that file and "
                f"run the sweep again ({str(error).splitlines()[0]})"
            ) from None

    def free(self) -> int:
        """Bytes left on its disk."""
        place = self.path
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def open(self, grid: bool = True) -> xr.Dataset:
        """Everything that is finished, labelled; a full grid as its own dimensions.

        Raises
        ------
        ModelError : not a sweep, or nothing finished yet
        """
        header = self.header()
        chunks = sorted(self.finished())
        if not chunks:
            raise ModelError(f"Store `{self.path}` has no finished points yet")
        parts = [self.read(chunk) for chunk in chunks]
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


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + PARTIAL)
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class StoreBackend(BackendEntrypoint):
    """``xarray.open_dataset(STORE, engine="chirospin")``."""

    description = "Sweeps of chirospin: a directory of netCDF shards"

    def open_dataset(
        self, filename_or_obj: Any, *, drop_variables: Any = None, grid: bool = True
    ) -> xr.Dataset:
        """Everything that is finished."""
        ds = Store(Path(filename_or_obj)).open(grid)
        return ds if drop_variables is None else ds.drop_vars(drop_variables)

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """A directory with a sweep's definition."""
        try:
            return (Path(filename_or_obj) / HEADER).is_file()
        except TypeError:
            return False
