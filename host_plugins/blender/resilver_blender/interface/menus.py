"""Entries in the sequencer's Strip menu and context menu, and the key that cancels."""

from __future__ import annotations

from typing import Any

import bpy

from . import panels

_KEYS: list[tuple[Any, Any]] = []


def draw_entries(self: Any, context: Any) -> None:
    layout = self.layout
    layout.separator()
    layout.operator("resilver.restore", text=panels.restore_label(context), icon="SHADERFX")
    layout.operator("resilver.preview", text="Preview Restoring")
    layout.operator("resilver.toggle_original")


_MENUS = ("SEQUENCER_MT_strip", "SEQUENCER_MT_context_menu")


def register() -> None:
    for name in _MENUS:
        getattr(bpy.types, name).append(draw_entries)
    keys = bpy.context.window_manager.keyconfigs.addon
    if keys:
        keymap = keys.keymaps.new(name="Sequencer", space_type="SEQUENCE_EDITOR")
        _KEYS.append((keymap, keymap.keymap_items.new("resilver.cancel", "ESC", "PRESS")))


def unregister() -> None:
    for keymap, item in _KEYS:
        keymap.keymap_items.remove(item)
    _KEYS.clear()
    for name in _MENUS:
        getattr(bpy.types, name).remove(draw_entries)
