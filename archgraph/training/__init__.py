"""From an experiment file to a trained model in a run folder. Keras is imported only when training begins."""
