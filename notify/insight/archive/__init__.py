"""Everything that was sent, to search and to export."""
