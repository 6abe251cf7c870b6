"""Postcode to point to areas: releases, loading, geometry, targeting."""
