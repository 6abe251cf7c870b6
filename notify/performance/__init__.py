"""How well the council's messages serve: service levels, cost, calls, and what of it is published."""
