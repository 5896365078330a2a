"""Studies: one file per paper in ``papers``, one per question of our own in ``own``."""

from chirospin.base.family import former_names

_FORMER = {
    "papers": (
        "fransson_closed_shell",
        "fransson_spinterface",
        "khaetskii_2006",
        "nozaki_fujita_2026",
        "yoshimi_2026",
    ),
    "own": ("junction_bias", "stack_length"),
}
__getattr__ = former_names(
    __name__,
    {name: f"{__name__}.{folder}.{name}" for folder, names in _FORMER.items() for name in names}
    | {"vanishing": "chirospin.faces.vanishing"},
)
