"""What emergencies are made of: first words for each hazard, to be filled in, and how bad it is."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FirstWords:
    """A title, a message and a text message."""

    title: str
    body: str
    sms: str


@dataclass(frozen=True, slots=True)
class Hazard:
    """First words for one kind of emergency. `((name))` is to be filled in. `category` is CAP's word.

    `welsh` are the same words in Welsh, with the same names to fill in, so that one value serves both.
    """

    name: str
    category: str
    title: str
    body: str
    sms: str
    welsh: FirstWords


HAZARDS: Mapping[str, Hazard] = {
    "flood": Hazard(
        "Flood",
        "Met",
        "Flood: move to safety at ((place))",
        "Water is rising at ((place)).\n\nMove people, pets and medicine upstairs or to higher ground now. Turn off "
        "gas and electricity if it is safe. Do not walk or drive through flood water.\n\nIf you are in danger call "
        "999. Floodline: 0345 988 1188. The next news comes at ((time)).",
        "Flood at ((place)): go upstairs or to higher ground now. Keep out of the water. In danger call 999.",
        FirstWords(
            "Llifogydd: symudwch i le diogel yn ((place))",
            "Mae’r dŵr yn codi yn ((place)).\n\nSymudwch bobl, anifeiliaid anwes a meddyginiaeth i fyny’r grisiau "
            "neu i dir uwch nawr. Diffoddwch y nwy a’r trydan os yw’n ddiogel. Peidiwch â cherdded na gyrru drwy "
            "ddŵr llifogydd.\n\nOs ydych mewn perygl, ffoniwch 999. Floodline: 0345 988 1188. Bydd y newyddion nesaf "
            "am ((time)).",
            "Llifogydd yn ((place)): ewch i fyny’r grisiau neu i dir uwch nawr. Cadwch allan o’r dŵr. Mewn perygl "
            "ffoniwch 999.",
        ),
    ),
    "evacuation": Hazard(
        "Evacuation",
        "Safety",
        "Leave now: ((place))",
        "You must leave ((place)) now because of ((reason)).\n\nTake medicine, keys, a telephone and warm clothes. Go "
        "to ((rest centre)). Help neighbours who cannot go alone, if it is safe.\n\nIf you cannot leave by yourself "
        "call 999. The next news comes at ((time)).",
        "Leave ((place)) now: ((reason)). Go to ((rest centre)). If you cannot leave alone call 999.",
        FirstWords(
            "Gadewch nawr: ((place))",
            "Rhaid i chi adael ((place)) nawr oherwydd ((reason)).\n\nEwch â meddyginiaeth, allweddi, ffôn a dillad "
            "cynnes. Ewch i ((rest centre)). Helpwch gymdogion na allant fynd ar eu pennau eu hunain, os yw’n "
            "ddiogel.\n\nOs na allwch adael ar eich pen eich hun, ffoniwch 999. Bydd y newyddion nesaf am ((time)).",
            "Gadewch ((place)) nawr: ((reason)). Ewch i ((rest centre)). Os na allwch adael ar eich pen eich hun "
            "ffoniwch 999.",
        ),
    ),
    "water": Hazard(
        "Water",
        "Health",
        "Do not drink tap water in ((place))",
        "Tap water in ((place)) may make you ill.\n\nDo not drink it, cook with it or brush teeth with it until we "
        "write again. Boiling ((does or does not)) make it safe. Get bottled water at ((place for water)) from "
        "((time)).\n\nIf you need water brought to you, call ((number)).",
        "Do not drink tap water in ((place)). Bottled water: ((place for water)) from ((time)). Help: ((number)).",
        FirstWords(
            "Peidiwch ag yfed dŵr tap yn ((place))",
            "Gall dŵr tap yn ((place)) eich gwneud yn sâl.\n\nPeidiwch â’i yfed, coginio ag ef na brwsio dannedd ag "
            "ef nes i ni ysgrifennu eto. Berwi’r dŵr i’w wneud yn ddiogel: ((does or does not)). Mae dŵr potel ar "
            "gael yn ((place for water)) o ((time)).\n\nOs oes angen dod â dŵr atoch, ffoniwch ((number)).",
            "Peidiwch ag yfed dŵr tap yn ((place)). Dŵr potel: ((place for water)) o ((time)). Cymorth: ((number)).",
        ),
    ),
    "power": Hazard(
        "Power cut",
        "Infra",
        "Power cut in ((place))",
        "There is no electricity in ((place)). It should be back by ((time)).\n\nSwitch off cookers and heaters. Keep "
        "fridges shut. Check on neighbours who use medical equipment. Call 105 for news and help; it is free.",
        "Power cut in ((place)) until about ((time)). Check on neighbours. News and help: call 105.",
        FirstWords(
            "Toriad trydan yn ((place))",
            "Nid oes trydan yn ((place)). Dylai fod yn ôl erbyn ((time)).\n\nDiffoddwch bopty a gwresogyddion. "
            "Cadwch oergelloedd ar gau. Cadwch lygad ar gymdogion sy’n defnyddio offer meddygol. Ffoniwch 105 am "
            "newyddion a chymorth. Mae am ddim.",
            "Toriad trydan yn ((place)) tan tua ((time)). Cadwch lygad ar gymdogion. Newyddion a chymorth: ffoniwch "
            "105.",
        ),
    ),
    "weather": Hazard(
        "Severe weather",
        "Met",
        "Severe weather: ((what)) in ((place))",
        "((What)) is expected in ((place)) from ((time)).\n\nStay indoors. Tie down or bring in what may blow away. Do "
        "not travel unless you must. Keep a torch and a charged telephone at hand.\n\nIf you are in danger call 999.",
        "((What)) in ((place)) from ((time)). Stay indoors, do not travel. In danger call 999.",
        FirstWords(
            "Tywydd garw: ((what)) yn ((place))",
            "Disgwylir ((what)) yn ((place)) o ((time)).\n\nArhoswch dan do. Clymwch neu dewch â phethau a allai "
            "chwythu i ffwrdd i mewn. Peidiwch â theithio oni bai bod rhaid. Cadwch fflachlamp a ffôn wedi’i wefru "
            "wrth law.\n\nOs ydych mewn perygl, ffoniwch 999.",
            "((what)) yn ((place)) o ((time)). Arhoswch dan do, peidiwch â theithio. Mewn perygl ffoniwch 999.",
        ),
    ),
    "health": Hazard(
        "Public health",
        "Health",
        "Health warning: ((what)) in ((place))",
        "There is ((what)) in ((place)).\n\nKeep doors and windows shut and stay inside until we write again. If you "
        "feel ((symptoms)) call NHS 111, or 999 if someone cannot breathe or wake up.",
        "((What)) in ((place)): stay in, shut doors and windows. ((symptoms))? Call 111, or 999 in danger.",
        FirstWords(
            "Rhybudd iechyd: ((what)) yn ((place))",
            "Mae ((what)) yn ((place)).\n\nCadwch ddrysau a ffenestri ar gau ac arhoswch i mewn nes i ni ysgrifennu "
            "eto. Os oes gennych ((symptoms)), ffoniwch GIG 111, neu 999 os na all rhywun anadlu neu ddeffro.",
            "((what)) yn ((place)): arhoswch i mewn, caewch ddrysau a ffenestri. ((symptoms))? Ffoniwch 111, neu 999 "
            "mewn perygl.",
        ),
    ),
    "road": Hazard(
        "Road",
        "Transport",
        "((Road)) is closed",
        "((Road)) is closed between ((from)) and ((to)) because of ((reason)), until about ((time)).\n\nDo not drive "
        "there. Go by ((way round)). Keep the road free for fire engines and ambulances.",
        "((Road)) closed between ((from)) and ((to)) until about ((time)). Go by ((way round)).",
        FirstWords(
            "((Road)) ar gau",
            "Mae ((Road)) ar gau rhwng ((from)) a ((to)) oherwydd ((reason)), tan tua ((time)).\n\nPeidiwch â gyrru "
            "yno. Ewch drwy ((way round)). Cadwch y ffordd yn glir i injans tân ac ambiwlansys.",
            "((Road)) ar gau rhwng ((from)) a ((to)) tan tua ((time)). Ewch drwy ((way round)).",
        ),
    ),
    "other": Hazard(
        "Something else",
        "Other",
        "((What has happened)) at ((place))",
        "((What has happened)) at ((place)).\n\n((What to do)).\n\nIf you are in danger call 999. The next news "
        "comes at ((time)).",
        "((What has happened)) at ((place)). ((What to do)). In danger call 999.",
        FirstWords(
            "((What has happened)) yn ((place))",
            "((What has happened)) yn ((place)).\n\n((What to do)).\n\nOs ydych mewn perygl, ffoniwch 999. Bydd y "
            "newyddion nesaf am ((time)).",
            "((What has happened)) yn ((place)). ((What to do)). Mewn perygl ffoniwch 999.",
        ),
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
