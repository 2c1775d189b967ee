"""kvdb: a DynamoDB-like database, embedded or served.

    import kvdb
    from kvdb import Attr, Key

    with kvdb.open("data") as db:                  # or kvdb.connect("grpc://localhost:7400")
        airports = db.create_table("airports", key=("country", "S"), sort=("icao", "S"))
        airports.put({"country": "IS", "icao": "BIKF"}, condition=Attr("icao").not_exists())
        for airport in airports.query(Key("country").eq("IS")):
            print(airport)

What stands in ``__all__`` is public; the requests and results of ``kvdb.api`` are too. The rooms
behind them are drawn in the README.

The names are loaded when the first of them is used: ``kvdb serve`` needs none of them, and starts in
three quarters of the time.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvdb.public import *  # noqa: F403
    from kvdb.public import __all__ as __all__
else:
    _NOTHING = object()

    def __getattr__(name: str) -> object:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        if importlib.util.find_spec(f"{__name__}.{name}") is not None:
            # "from kvdb import limits" inside asks for it before it is loaded: all the rest must not come
            # with it, which may be waiting for the very module that asks.
            return importlib.import_module(f"{__name__}.{name}")
        public = importlib.import_module("kvdb.public")
        # What is loaded now may have brought a module of the name with it.
        found = globals().get(name, getattr(public, name, _NOTHING))
        if found is _NOTHING:
            raise AttributeError(f"module 'kvdb' has no attribute {name!r}")
        globals()[name] = found
        return found
