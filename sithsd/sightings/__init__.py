"""Which cards a desk's daemon has seen, and when they end: so that a manager can be told, and nobody be followed."""
