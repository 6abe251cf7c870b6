"""Opens and clicks, only as far as residents agreed."""
