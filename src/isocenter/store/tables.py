"""The metadata with every table: all modules `schema*` of this package put theirs on it, and none can be forgotten."""

import importlib
import pkgutil

import isocenter.store
from isocenter.store.schema import metadata

__all__ = ["metadata"]

for _module in pkgutil.iter_modules(isocenter.store.__path__):
    if _module.name.startswith("schema_"):
        importlib.import_module(f"isocenter.store.{_module.name}")
