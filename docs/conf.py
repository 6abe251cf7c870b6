"""How `make docs` builds this folder as a site. Nothing is fetched, and every warning is an error."""

project = "Notify"
project_copyright = "the authors of Notify, under the MIT licence"
language = "en"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

# Links such as privacy.md#the-order-of-consent name a heading, as they do where the repository is read.
myst_heading_anchors = 4
# A link to a file of the repository that is not a page would make a copy of it in the site.
nitpicky = True

html_theme = "furo"
html_title = "Notify"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
