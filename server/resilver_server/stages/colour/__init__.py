"""Colour: the chroma of key frames, carried through a shot."""
