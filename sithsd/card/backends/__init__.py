"""The ways to read a card; a profile names one."""
