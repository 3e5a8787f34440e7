"""Floor 4, data: rows and columns that are stored once.

    data = load_dataset("csv", data_files="train.csv")["train"]
    long = data.map(count_words).filter(lambda row: row["words"] > 3)
    for batch in long.shuffle(seed=1).with_format("numpy").iter(32): …

A data set is an immutable order of rows over columns that may lie in different files. Selecting,
sorting and shuffling are values; `map` stores only what is new; results are kept under keys that
hold all they depend on. Names are imported on first use.
"""

from importlib import import_module
from typing import Any

from reprise.base.optional import require

# Public name -> module and attribute.
_EXPORTS = {
    "Array2D": "types:Array2D",
    "Array3D": "types:Array3D",
    "Array4D": "types:Array4D",
    "Array5D": "types:Array5D",
    "Audio": "types:Audio",
    "ClassLabel": "types:ClassLabel",
    "Dataset": "dataset:Dataset",
    "DatasetDict": "dataset_dict:DatasetDict",
    "Executor": "executor:Executor",
    "Features": "features:Features",
    "Image": "types:Image",
    "IterableDataset": "iterable:IterableDataset",
    "Json": "types:Json",
    "LargeList": "types:LargeList",
    "List": "types:List",
    "Local": "local_executor:Local",
    "RayExecutor": "ray_executor:RayExecutor",
    "Sequence": "types:Sequence",
    "Store": "store:Store",
    "Threads": "threads:Threads",
    "Translation": "types:Translation",
    "TranslationVariableLanguages": "types:TranslationVariableLanguages",
    "Value": "types:Value",
    "concatenate_datasets": "dataset:concatenate_datasets",
    "default_store": "places:default_store",
    "get_dataset_config_names": "loading:get_dataset_config_names",
    "get_dataset_split_names": "loading:get_dataset_split_names",
    "interleave_datasets": "dataset:interleave_datasets",
    "load_dataset": "loading:load_dataset",
    "load_from_disk": "loading:load_from_disk",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605 - one table is the single source of the public names


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use."""
    target = _EXPORTS.get(name)
    if target is None:
        raise AttributeError(f"module 'reprise.data' has no attribute {name!r}")
    require("pyarrow", extra="data")
    module, _, attribute = target.partition(":")
    return getattr(import_module(f"reprise.data.{module}"), attribute)
