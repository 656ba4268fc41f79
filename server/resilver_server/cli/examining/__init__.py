"""What ``resilver doctor`` looks at. Each check is a function of what it looks at, and yields findings."""
