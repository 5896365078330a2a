"""One BLAS thread, repeatable examples, nothing kept from earlier runs."""

import atexit
import os
import shutil
import tempfile

os.environ["CHIROSPIN_CACHE"] = tempfile.mkdtemp(prefix="chirospin-kept-")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

atexit.register(shutil.rmtree, os.environ["CHIROSPIN_CACHE"], ignore_errors=True)

settings.register_profile(
    "repeatable",
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")
