"""The composition root: configuration, wiring, systemd, journal."""
