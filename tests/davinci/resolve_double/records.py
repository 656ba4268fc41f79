"""Records that become JSON and come back as they were."""

from fractions import Fraction
from typing import Any, Dict, Type

KINDS: Dict[str, Type["Record"]] = {}


class Record(object):
    """Something of the model: named values, nothing else."""

    def __init_subclass__(cls) -> None:
        super(Record, cls).__init_subclass__()
        KINDS[cls.__name__] = cls

    def __repr__(self) -> str:
        return "{}({})".format(type(self).__name__, ", ".join("{}={!r}".format(*pair) for pair in vars(self).items()))


def encode(value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, Record):
        return {"record": type(value).__name__, "values": encode(vars(value))}
    if isinstance(value, Fraction):
        return {"fraction": str(value)}
    if isinstance(value, dict):
        return {key: encode(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(inner) for inner in value]
    return value


def decode(value: Any) -> Any:
    """What was encoded; tuples come back as lists."""
    if isinstance(value, list):
        return [decode(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"fraction"}:
        return Fraction(value["fraction"])
    if set(value) == {"record", "values"}:
        kind = KINDS[value["record"]]
        record = kind.__new__(kind)
        vars(record).update(decode(value["values"]))
        return record
    return {key: decode(inner) for key, inner in value.items()}
