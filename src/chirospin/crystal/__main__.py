"""Write a crystal of tellurium's structure, both hands: ``python -m chirospin.crystal helix``."""

from __future__ import annotations

import sys

from chirospin.crystal.samples import write_both

if __name__ == "__main__":
    sys.exit(write_both(sys.argv[1:]))
