"""From a channel to an identified card: profiles, backends, codes and the guard before them."""
