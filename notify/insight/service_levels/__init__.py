"""Service level objectives and how alerts met them."""
