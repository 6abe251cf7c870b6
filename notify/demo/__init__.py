"""The invented council of Zedholm."""
