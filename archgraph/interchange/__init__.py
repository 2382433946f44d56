"""Networks in the words of others: Python source for Keras, and pages that need nothing to be read."""
