"""WINDOW -> NUMBERS: fixed descriptors of a window, pure functions of the signal with at most a few label-free statistics.

`shares` describes the shape of any signal at several time scales; the others say what physiology and mechanics would ask first:
`motion`, `pulse`, `electrodermal`, `temperature`. Nothing here is trained.
"""
