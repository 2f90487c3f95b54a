"""The order of the examples in the gallery: from the first network over a table to a cluster."""

from __future__ import annotations

ORDER = [
    "sine",
    "exclusive_or",
    "one_step",
    "find_the_fault",
    "vanishing_gradients",
    "saturated_neurons",
    "own_activation_and_cost",
    "mnist",
    "in_a_grid_search",
    "table_with_intervals",
    "wrong_labels",
    "diagnosis",
    "sweep",
    "mixed_precision",
    "resume",
    "larger_than_memory",
    "export",
    "dask_cluster",
]


class GalleryOrder:
    """The sorting key of sphinx-gallery; an example that is not listed comes last."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> tuple[int, str]:
        """The position of a script by the name of its file."""
        stem = name.removeprefix("plot_").removesuffix(".py")
        return (ORDER.index(stem) if stem in ORDER else len(ORDER)), name

    def __repr__(self) -> str:
        return "GalleryOrder"
