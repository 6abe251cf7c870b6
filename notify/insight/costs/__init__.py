"""Prices, spending and cost sheets."""
