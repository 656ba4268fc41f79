"""The server: how it is reached, and what is known of it. Knows no Blender."""
