"""The register of statutory notices, kept for good and with proof."""
