"""Pictures from generators: latents, grids, films, and how good the pictures are. Importing it loads no Keras."""
