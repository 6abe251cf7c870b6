"""What leaves the house: data sets, everything in open formats, what is sent regularly; and what is removed in time."""
