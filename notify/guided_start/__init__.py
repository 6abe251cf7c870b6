"""The guided start of a new council: what is left to do before the first alert, and where it is done."""
