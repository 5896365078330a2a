"""Studies: one file per paper in ``papers``, one per question of our own in ``own``."""
