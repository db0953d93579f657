"""What people see: replies as text for a terminal, without a word of their own language in them."""
