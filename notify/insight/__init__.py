"""Reports: alerts, the council, growth, indicators, service levels, costs, calls and open data."""
