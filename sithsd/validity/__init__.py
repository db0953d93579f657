"""May this certificate be trusted, at this moment: good, bad or unknown, with every reason."""
