"""timm's image backbones for sslts. Importing this does not import timm."""
