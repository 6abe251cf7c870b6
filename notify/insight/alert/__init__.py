"""The report of one alert."""
