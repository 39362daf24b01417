"""The recipes, one file each; each reads like its paper."""
