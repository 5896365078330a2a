"""What only Unix has is not needed: modules of Python that Windows lacks are blocked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BLOCKED = ("fcntl", "resource", "pwd", "grp", "termios")
SCRIPT = """
import sys
from importlib.util import find_spec
for name in {blocked!r}:
    assert find_spec(name), name
    sys.modules[name] = None
import os
unix_open = os.open
def windows_open(path, flags, *rest, **named):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", str(path))
    return unix_open(path, flags, *rest, **named)
os.open = windows_open
import chirospin
from chirospin.base.memory import available_bytes
from chirospin.base.sealed import tried
from pathlib import Path
for name in chirospin.FAMILIES:
    getattr(chirospin, name)
from chirospin import junction
from chirospin.points.store import Store
assert available_bytes() > 0
ds = junction.sweep(junction.Junction(), "s", "landauer", over={{"energy_b": [0.4, 0.8]}})
assert ds.converged.all()
store = Store(Path("s"))
assert not store.in_use
with store.locked():
    try:
        with Store(Path("s")).locked():
            raise SystemExit("the lock does not hold")
    except chirospin.base.errors.ModelError as error:
        assert "another process" in str(error)
ds = junction.solve(method="landauer")
ds.to_netcdf("a.nc")
assert tried(Path("a.nc"))
print("sound")
"""


def test_a_sweep_runs_without_modules_of_unix(tmp_path: Path) -> None:
    """The control is the first assertion of the script: here the modules exist, and are blocked."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(blocked=BLOCKED)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "sound", done.stderr
