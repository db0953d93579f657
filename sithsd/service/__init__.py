"""What the services have in common: settings, the journal, systemd."""
