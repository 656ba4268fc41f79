"""Every text of a message, changed in place: how paths are translated where client and server share no disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import Message

Change = Callable[[str], str]


def change_texts(message: Message, change: Change) -> None:
    """Texts of a message and of those in it, lists and the values of maps too; keys of maps stay."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _change_map(value, field.message_type.fields_by_name["value"], change)
        elif field.type == field.TYPE_MESSAGE:
            for each in value if _is_list(value) else (value,):
                change_texts(each, change)
        elif field.type == field.TYPE_STRING and _is_list(value):
            value[:] = [change(each) for each in value]
        elif field.type == field.TYPE_STRING:
            setattr(message, field.name, change(value))


def _change_map(values: Any, field: Any, change: Change) -> None:
    for key in list(values):
        if field.type == field.TYPE_MESSAGE:
            change_texts(values[key], change)
        elif field.type == field.TYPE_STRING:
            values[key] = change(values[key])


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Message)
