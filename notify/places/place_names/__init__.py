"""Names of streets and places, and the search for them beside a map."""
