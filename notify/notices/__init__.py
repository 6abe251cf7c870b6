"""Statutory notices: a register of what the law makes a council publish, for good and with proof."""
