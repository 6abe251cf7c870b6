"""The installation's own map of streets, rivers and buildings: loaded from a file, cut to its councils, served here."""
