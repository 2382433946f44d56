"""Edits of the rolled graph file, as values: each takes the JSON value of a file and gives a patch, or says why not."""
