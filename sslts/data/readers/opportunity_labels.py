"""The labels of Opportunity: three of its seven tracks, by the numbers of its `label_legend.txt`."""

from __future__ import annotations

#: Track -> column of the table, counted from 0.
TRACKS = {"locomotion": 243, "activity": 244, "gesture": 249}

#: Track -> number -> name; 0 is no label.
CODES: dict[str, dict[int, str]] = {
    "locomotion": {1: "standing", 2: "walking", 4: "sitting", 5: "lying"},
    "activity": {101: "relaxing", 102: "coffee time", 103: "early morning", 104: "cleaning up", 105: "sandwich time"},
    "gesture": {
        406516: "opening door 1",
        406517: "opening door 2",
        404516: "closing door 1",
        404517: "closing door 2",
        406520: "opening the fridge",
        404520: "closing the fridge",
        406505: "opening the dishwasher",
        404505: "closing the dishwasher",
        406519: "opening drawer 1",
        404519: "closing drawer 1",
        406511: "opening drawer 2",
        404511: "closing drawer 2",
        406508: "opening drawer 3",
        404508: "closing drawer 3",
        408512: "cleaning the table",
        407521: "drinking from a cup",
        405506: "toggling a switch",
    },
}
