"""Card readers through PC/SC: who is there, what is in them, and one command after another to one card."""
