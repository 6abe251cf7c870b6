"""Alerts in public: pages, feeds, posters and the widget."""
