"""Measured curves in, verdict out: files of I-V curves of two magnetisations, compared with contacts as units.

>>> from chirospin import measured
>>> ds = measured.compare(measured.example())
>>> ds.attrs["verdict"]
'chiral signal'
"""

from __future__ import annotations

from chirospin.measured.comparison import compare
from chirospin.measured.description import Description
from chirospin.measured.example import example
from chirospin.measured.planning import Plan, plan
from chirospin.measured.reading import read

__all__ = ["Description", "Plan", "compare", "example", "plan", "read"]
