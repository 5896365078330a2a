"""The site: ``make docs`` builds it into docs/_build/html, without a network."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import chirospin

project = "chirospin"
author = "The chirospin developers"
copyright = "the chirospin developers, BSD-3-Clause"
release = version = chirospin.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "cyclopts.sphinx_ext",
    "declared_facts",
    "local_mathjax",
    "quiet_gallery",
    "run_notebooks",
]
exclude_patterns = [
    "_build",
    "_extensions",
    "gallery",
    "**/sg_execution_times.rst",
    "sg_execution_times.rst",
]
templates_path = ["_templates"]
language = "en_GB"
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!chirospin\.).*"),  # other projects: their sites are not asked
    (
        "py:.*",
        r"chirospin\..*\.(Array|Complex|Axes|Data|Progress|Function|Values|Keys?|AnyStack|Item|Attempted|Answer)",
    ),
    (
        "py:class",
        r"chirospin\.junction\.custom\.\w+",
    ),  # methods of finite bias, made anew for any leads
]

suppress_warnings = ["ref.python"]  # two classes of one name in two families

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {
    "exclude-members": (
        "model_config, model_fields, model_computed_fields, model_post_init, "
        "shorthands, shorthand_symbols, set"
    ),
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_use_plots = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "tutorials",
    "filename_pattern": r"/\w+\.py$",
    "image_scrapers": ("quiet_gallery.drawn_figures",),
    "ignore_repr_types": "matplotlib.figure",  # drawn, not named
    "within_subsection_order": "quiet_gallery.TutorialOrder",
    "copyfile_regex": r".*\.(csv|py)$",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "download_all_examples": False,
    "abort_on_example_error": True,
    "plot_gallery": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"chirospin {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "pygments_light_style": "friendly",
}
html_sidebars = {"index": [], "start": [], "conventions": []}
smartquotes = False
mathjax3_config = {"options": {"enableMenu": False}}
