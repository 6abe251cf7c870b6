"""What emergencies are made of: first words for each hazard, to be filled in, and how bad it is."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hazard:
    """First words for one kind of emergency. `((name))` is to be filled in. `category` is CAP's word."""

    name: str
    category: str
    title: str
    body: str
    sms: str


HAZARDS: Mapping[str, Hazard] = {
    "flood": Hazard(
        "Flood",
        "Met",
        "Flood: move to safety at ((place))",
        "Water is rising at ((place)).\n\nMove people, pets and medicine upstairs or to higher ground now. Turn off "
        "gas and electricity if it is safe. Do not walk or drive through flood water.\n\nIf you are in danger call "
        "999. Floodline: 0345 988 1188. The next news comes at ((time)).",
        "Flood at ((place)): go upstairs or to higher ground now. Keep out of the water. In danger call 999.",
    ),
    "evacuation": Hazard(
        "Evacuation",
        "Safety",
        "Leave now: ((place))",
        "You must leave ((place)) now because of ((reason)).\n\nTake medicine, keys, a telephone and warm clothes. Go "
        "to ((rest centre)). Help neighbours who cannot go alone, if it is safe.\n\nIf you cannot leave by yourself "
        "call 999. The next news comes at ((time)).",
        "Leave ((place)) now: ((reason)). Go to ((rest centre)). If you cannot leave alone call 999.",
    ),
    "water": Hazard(
        "Water",
        "Health",
        "Do not drink tap water in ((place))",
        "Tap water in ((place)) may make you ill.\n\nDo not drink it, cook with it or brush teeth with it until we "
        "write again. Boiling ((does or does not)) make it safe. Get bottled water at ((place for water)) from "
        "((time)).\n\n If you need water brought to you ring ((number)).",
        "Do not drink tap water in ((place)). Bottled water: ((place for water)) from ((time)). Help: ((number)).",
    ),
    "power": Hazard(
        "Power cut",
        "Infra",
        "Power cut in ((place))",
        "There is no electricity in ((place)). It should be back by ((time)).\n\nSwitch off cookers and heaters. Keep "
        "fridges shut. Check on neighbours who use medical equipment. Call 105 for news and help; it is free.",
        "Power cut in ((place)) until about ((time)). Check on neighbours. News and help: call 105.",
    ),
    "weather": Hazard(
        "Severe weather",
        "Met",
        "Severe weather: ((what)) in ((place))",
        "((What)) is expected in ((place)) from ((time)).\n\nStay indoors. Tie down or bring in what may blow away. Do "
        "not travel unless you must. Keep a torch and a charged telephone at hand.\n\nIf you are in danger call 999.",
        "((What)) in ((place)) from ((time)). Stay indoors, do not travel. In danger call 999.",
    ),
    "health": Hazard(
        "Public health",
        "Health",
        "Health warning: ((what)) in ((place))",
        "There is ((what)) in ((place)).\n\nKeep doors and windows shut and stay inside until we write again. If you "
        "feel ((symptoms)) call NHS 111, or 999 if someone cannot breathe or wake up.",
        "((What)) in ((place)): stay in, shut doors and windows. ((symptoms))? Call 111, or 999 in danger.",
    ),
    "road": Hazard(
        "Road",
        "Transport",
        "((Road)) is closed",
        "((Road)) is closed between ((from)) and ((to)) because of ((reason)), until about ((time)).\n\nDo not drive "
        "there. Go by ((way round)). Keep the road free for fire engines and ambulances.",
        "((Road)) closed between ((from)) and ((to)) until about ((time)). Go by ((way round)).",
    ),
    "other": Hazard(
        "Something else",
        "Other",
        "((What has happened)) at ((place))",
        "((What has happened)) at ((place)).\n\n((What to do)).\n\nIf you are in danger call 999. The next news "
        "comes at ((time)).",
        "((What has happened)) at ((place)). ((What to do)). In danger call 999.",
    ),
}

# CAP's own words, with what they mean
SEVERITIES: Mapping[str, str] = {
    "Extreme": "Extreme: an extraordinary threat to life or property",
    "Severe": "Severe: a significant threat to life or property",
    "Moderate": "Moderate: a possible threat to life or property",
    "Minor": "Minor: little threat to life or property",
}
URGENCIES: Mapping[str, str] = {
    "Immediate": "Immediate: act now",
    "Expected": "Expected: act within the next hour",
    "Future": "Future: act in the near future",
}
CERTAINTIES: Mapping[str, str] = {
    "Observed": "Observed: it has happened or is happening",
    "Likely": "Likely: more likely than not",
    "Possible": "Possible: it may happen",
}
