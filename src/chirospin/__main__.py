"""``python -m chirospin``."""

import sys

from chirospin.faces.cli import main

sys.exit(main())
