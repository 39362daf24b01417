"""Facts about UTD-MHAD (Chen, Jafari, Kehtarnavaz, ICIP 2015) that all of its readers share."""

from __future__ import annotations

CITATION = (
    "Chen, Jafari, Kehtarnavaz. UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing a Depth Camera and a Wearable "
    "Inertial Sensor. ICIP 2015. doi:10.1109/ICIP.2015.7350781"
)
LICENCE = "called a public domain dataset by its authors; cite"

#: Actions 1 to 27.
ACTIONS = (
    "right arm swipe to the left",
    "right arm swipe to the right",
    "right hand wave",
    "two hand front clap",
    "right arm throw",
    "cross arms in the chest",
    "basketball shoot",
    "right hand draw x",
    "draw circle clockwise",
    "draw circle counter clockwise",
    "draw triangle",
    "bowling",
    "front boxing",
    "baseball swing from right",
    "tennis right hand forehand swing",
    "arm curl",
    "tennis serve",
    "two hand push",
    "right hand knock on door",
    "right hand catch an object",
    "right hand pick up and throw",
    "jogging in place",
    "walking in place",
    "sit to stand",
    "stand to sit",
    "forward lunge",
    "squat",
)
