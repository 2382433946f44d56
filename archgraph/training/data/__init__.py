"""Data by name: the registry of sources, and the splits made from them."""

import importlib

from archgraph.training.data.base import SOURCES, Column, Samples, Source, Surroundings

for _family in (
    "tables",
    "digits",
    "pixels",
    "fashion",
    "graphs",
    "brain",
    "pictures",
    "text",
    "pronunciation",
    "files",
):
    importlib.import_module(f"archgraph.training.data.{_family}")

__all__ = ["SOURCES", "Column", "Samples", "Source", "Surroundings"]
