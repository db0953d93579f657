"""An agent for ssh: the cards' authentication keys, and a PIN for each signature."""
