"""Alerts in the Common Alerting Protocol, both ways, and flood warnings read into drafts."""
