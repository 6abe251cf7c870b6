"""How `make docs` builds this folder as a site. Nothing is fetched, and every warning is an error."""

project = "Notify"
project_copyright = "the authors of Notify, under the MIT licence"
language = "en"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

# Links such as privacy.md#the-order-of-consent name a heading, as they do where the repository is read.
myst_heading_anchors = 4
nitpicky = True  # a reference that leads nowhere is a warning
highlight_language = "none"  # code without a language is mostly shell

html_theme = "furo"
html_title = "Notify"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
