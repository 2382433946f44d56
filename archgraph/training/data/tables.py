"""The small measured tables that ship with scikit-learn."""

import importlib
from typing import Any

import numpy as np

from archgraph.training.data.base import Column, Samples, Source, Surroundings, labelled, source

_TERMS = "ships with scikit-learn (BSD-3-Clause); from the UCI repository"


def _bunch(loader: str) -> Any:
    return getattr(importlib.import_module("sklearn.datasets"), loader)()


def _classes(loader: str) -> Samples:
    bunch = _bunch(loader)
    names = tuple(str(name) for name in bunch.target_names)
    return labelled("features", bunch.data.astype(np.float32), bunch.target, names)


@source
class Iris(Source):
    """150 iris flowers of three species by four lengths; one species is linearly separable, the other two are not."""

    name = "iris"
    licence = f"Fisher 1936; {_TERMS}"
    shape = "features (4,), label: 3 classes; 150 samples"

    def read(self, around: Surroundings) -> Samples:
        return _classes("load_iris")


@source
class Wine(Source):
    """178 wines from three growers by 13 chemical measurements."""

    name = "wine"
    licence = f"Aeberhard et al. 1992; {_TERMS}"
    shape = "features (13,), label: 3 classes; 178 samples"

    def read(self, around: Surroundings) -> Samples:
        return _classes("load_wine")


@source
class BreastCancer(Source):
    """569 tumours, malignant or benign, by 30 measurements of cell nuclei."""

    name = "breast_cancer"
    licence = f"Wolberg, Street & Mangasarian 1995; {_TERMS}"
    shape = "features (30,), label: 2 classes; 569 samples"

    def read(self, around: Surroundings) -> Samples:
        return _classes("load_breast_cancer")


@source
class Diabetes(Source):
    """442 patients: how far diabetes has gone a year after ten measurements were taken (a number to predict)."""

    name = "diabetes"
    licence = "Efron et al. 2004; ships with scikit-learn (BSD-3-Clause)"
    shape = "features (10,), value: a number from 25 to 346; 442 samples"

    def read(self, around: Surroundings) -> Samples:
        bunch = _bunch("load_diabetes")
        columns = {
            "features": Column(bunch.data.astype(np.float32)),
            "value": Column(bunch.target.astype(np.float32)),
        }
        return Samples(columns, inputs=("features",), targets=("value",))
