"""What Resilver's stages reach beside other people's tools, on clips whose truth is known: ``make bench``."""
