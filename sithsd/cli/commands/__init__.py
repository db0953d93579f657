"""The commands: each asks the daemon, and hands the reply to a view."""
