"""Pictures of numbers: pure functions from data to SVG, each with a table of the very same numbers."""
