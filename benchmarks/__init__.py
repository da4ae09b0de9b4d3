"""Speed as ratios, taken in one run against a stated floor: `make bench`."""
