"""Jobs from their start to their end: what runs, what is stored of it, and what Blender does for it."""
