"""The Common Alerting Protocol, in and out, and flood warnings as drafts."""
