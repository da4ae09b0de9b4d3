"""Publication: marts made equal to the build, and back again."""
