"""Timelines in, timelines out: an OpenTimelineIO plug-in and the pure functions around it.

OpenTimelineIO finds ``plugin_manifest.json`` in this package through the entry point ``opentimelineio.plugins``,
and imports the package for that whenever it is first used: nothing heavy may be imported here.
"""
