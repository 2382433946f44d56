"""Looking into networks: what every node gives, where attention looks, what decided an answer."""
