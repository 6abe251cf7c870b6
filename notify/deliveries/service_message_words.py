"""What service messages say about contacts and councils, in the languages of our pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from notify.subscribers.consent.requests import Reason
from notify.subscribers.models import ServiceMessageKind


@dataclass(frozen=True, slots=True)
class Words:
    """A title, what has happened, what the link does, and what to do otherwise. `{council}`, `{what}`, `{now}` and
    `{day}` are filled.
    """

    title: str
    lead: str
    press: str
    other: str

    def filled(self, *, council: str, what: str, now: str = "", day: str = "") -> "Words":
        """The same with the council's name, the address or topics that it is about, what they are `now`, and a day."""
        values = {"council": council, "what": what, "now": now, "day": day}
        said = [part.format(**values) for part in (self.title, self.lead, self.press, self.other)]
        return Words(*said)


SUBJECTS: Mapping[str, Mapping[ServiceMessageKind, str]] = {
    "en": {
        ServiceMessageKind.CONFIRM: "Confirm your alerts",
        ServiceMessageKind.SIGN_IN: "Your link to manage alerts",
    },
    "cy": {
        ServiceMessageKind.CONFIRM: "Cadarnhewch eich rhybuddion",
        ServiceMessageKind.SIGN_IN: "Eich dolen i reoli rhybuddion",
    },
}
EXPIRES: Mapping[str, Mapping[ServiceMessageKind, str]] = {
    "en": {ServiceMessageKind.CONFIRM: "3 days", ServiceMessageKind.SIGN_IN: "10 minutes"},
    "cy": {ServiceMessageKind.CONFIRM: "3 diwrnod", ServiceMessageKind.SIGN_IN: "10 munud"},
}
WORDS: Mapping[str, Mapping[ServiceMessageKind, Words]] = {
    "en": {
        ServiceMessageKind.ADD_CONTACT: Words(
            "Confirm a new contact for your alerts",
            "{council} was given {what} for your alerts. Nothing is sent there unless you agree.",
            "Say yes or no",
            "If you do nothing, it is not used.",
        ),
        ServiceMessageKind.CONTACT_ADDED: Words(
            "A contact was added to your alerts",
            "{council} now also uses {what} for your alerts.",
            "See or change your alerts",
            "If you did not want this, remove it there or tell the council.",
        ),
        ServiceMessageKind.TOLD: Words(
            "{council} now sends you alerts",
            "{council} signed you up for alerts about {what}.",
            "See or change your alerts",
            "Not you? Stop them there, or tell the council.",
        ),
        ServiceMessageKind.HOW_TO_STOP: Words(
            "How to stop", "{council}: Reply STOP to end.", "See or change your alerts", "Or reply STOP to a text."
        ),
        ServiceMessageKind.TEXT_HELP: Words(
            "Help",
            "{council}: Reply STOP to end texts, INFO to see what you get, or your new postcode when you move.",
            "See or change your alerts",
            "In danger? Call 999.",
        ),
        ServiceMessageKind.TEXT_INFO: Words(
            "What you get", "{council}: You get {what}.", "See or change your alerts", "Reply STOP to end texts."
        ),
        ServiceMessageKind.TEXT_MOVE: Words(
            "Is this your new postcode?",
            "{council}: Move your alerts to {what}? Reply YES within a day. If not, do nothing.",
            "See or change your alerts",
            "If you do nothing, nothing changes.",
        ),
        ServiceMessageKind.TEXT_MOVED: Words(
            "Your alerts have moved",
            "{council}: Your alerts are now for {what}. Not you? Change it:",
            "See or change your alerts",
            "You can change it at any time.",
        ),
        ServiceMessageKind.TEXT_NOT_MOVED: Words(
            "We cannot move your alerts by text",
            "{council}: We cannot move your alerts there by text. Change your postcode:",
            "See or change your alerts",
            "Nothing has changed.",
        ),
        ServiceMessageKind.TEXT_UNKNOWN: Words(
            "We did not understand",
            "{council}: Sorry, we cannot read that. Nobody reads replies. Reply STOP to end texts, HELP for more.",
            "See or change your alerts",
            "In danger? Call 999.",
        ),
        ServiceMessageKind.TEXT_SAFE: Words(
            "Thank you",
            "{council}: Thank you. We have noted that you are safe. Need help later? Reply HELP. In danger? Call 999.",
            "See or change your alerts",
            "Nobody is called.",
        ),
        ServiceMessageKind.TEXT_NEEDS_HELP: Words(
            "We have noted that you need help",
            "{council}: We have noted that you need help. This does not call anyone. In danger? Call 999 now.",
            "See or change your alerts",
            "Safe now? Reply SAFE.",
        ),
        ServiceMessageKind.CHECK_PLACE: Words(
            "Check your postcode for alerts",
            "{council}: ward boundaries or postcodes have changed, and we are not sure which ward {what} is in now.",
            "Check your postcode",
            "Until you do, you get alerts for the ward you had.",
        ),
        ServiceMessageKind.OUTSIDE_AREA: Words(
            "Your alerts from {council} have stopped",
            "{council} no longer covers any of your places, because boundaries have changed. Your topics have ended.",
            "Choose topics of your new council",
            "Is your postcode wrong? You can change it there.",
        ),
        ServiceMessageKind.COUNCIL_MERGED: Words(
            "Your alerts now come from {council}",
            "{what} is now part of {council}, which sends your alerts. Your places and topics are the same.",
            "See or change your alerts",
            "You can change or end them whenever you like.",
        ),
        ServiceMessageKind.TOPIC_CLOSED: Words(
            "“{what}” alerts are ending",
            "{council} stops sending “{what}” alerts. The last day is {day}.{now}",
            "Choose your topics",
            "If you do nothing, you get no other alerts in their place.",
        ),
        ServiceMessageKind.TOPIC_MERGED: Words(
            "“{what}” alerts are now part of “{now}”",
            "You signed up for “{what}” alerts from {council}. They are now part of “{now}”, which you now get.",
            "See or change your alerts",
            "You can change or end them whenever you like.",
        ),
        ServiceMessageKind.TOPIC_SPLIT: Words(
            "You can now choose among “{what}” alerts",
            "You signed up for “{what}” alerts from {council}. They now come as: {now}. You get all of them.",
            "Choose which you want",
            "You can change or end them whenever you like.",
        ),
    },
    "cy": {
        ServiceMessageKind.ADD_CONTACT: Words(
            "Cadarnhewch gyswllt newydd ar gyfer eich rhybuddion",
            "Cafodd {council} {what} ar gyfer eich rhybuddion. Ni anfonir dim yno oni bai eich bod yn cytuno.",
            "Dywedwch ie neu na",
            "Os na wnewch ddim, ni chaiff ei ddefnyddio.",
        ),
        ServiceMessageKind.CONTACT_ADDED: Words(
            "Ychwanegwyd cyswllt at eich rhybuddion",
            "Mae {council} bellach hefyd yn defnyddio {what} ar gyfer eich rhybuddion.",
            "Gweld neu newid eich rhybuddion",
            "Os nad oeddech am hyn, tynnwch ef yno neu dywedwch wrth y cyngor.",
        ),
        ServiceMessageKind.TOLD: Words(
            "Mae {council} bellach yn anfon rhybuddion atoch",
            "Mae {council} wedi eich cofrestru ar gyfer rhybuddion am {what}.",
            "Gweld neu atal y rhybuddion hyn",
            "Nid chi? Ataliwch nhw yno, neu dywedwch wrth y cyngor.",
        ),
        ServiceMessageKind.HOW_TO_STOP: Words(
            "Sut i stopio", "{council}: Atebwch STOP i orffen.", "Gweld neu newid eich rhybuddion", "Neu atebwch STOP."
        ),
        ServiceMessageKind.TEXT_HELP: Words(
            "Cymorth",
            "{council}: Atebwch STOP i orffen, INFO i weld beth a gewch, neu eich cod post newydd pan symudwch.",
            "Gweld neu newid eich rhybuddion",
            "Mewn perygl? Ffoniwch 999.",
        ),
        ServiceMessageKind.TEXT_INFO: Words(
            "Beth a gewch",
            "{council}: Rydych yn cael {what}.",
            "Gweld neu newid eich rhybuddion",
            "Atebwch STOP i orffen.",
        ),
        ServiceMessageKind.TEXT_MOVE: Words(
            "Ai hwn yw eich cod post newydd?",
            "{council}: Symud eich rhybuddion i {what}? Atebwch IE o fewn diwrnod. Os na, peidiwch ag ateb.",
            "Gweld neu newid eich rhybuddion",
            "Os na wnewch ddim, nid oes dim yn newid.",
        ),
        ServiceMessageKind.TEXT_MOVED: Words(
            "Mae eich rhybuddion wedi symud",
            "{council}: Mae eich rhybuddion nawr ar gyfer {what}. Nid chi? Newidiwch:",
            "Gweld neu newid eich rhybuddion",
            "Gallwch ei newid ar unrhyw adeg.",
        ),
        ServiceMessageKind.TEXT_NOT_MOVED: Words(
            "Ni allwn symud eich rhybuddion drwy neges destun",
            "{council}: Ni allwn symud eich rhybuddion yno drwy neges destun. Newidiwch eich cod post:",
            "Gweld neu newid eich rhybuddion",
            "Nid oes dim wedi newid.",
        ),
        ServiceMessageKind.TEXT_UNKNOWN: Words(
            "Nid oeddem yn deall",
            "{council}: Nid ydym yn deall. Does neb yn darllen atebion. Atebwch STOP i orffen, HELP am fwy.",
            "Gweld neu newid eich rhybuddion",
            "Mewn perygl? Ffoniwch 999.",
        ),
        ServiceMessageKind.TEXT_SAFE: Words(
            "Diolch",
            "{council}: Diolch. Nodwyd eich bod yn ddiogel. Angen help wedyn? Atebwch HELP. Mewn perygl? Ffoniwch 999.",
            "Gweld neu newid eich rhybuddion",
            "Nid oes neb yn cael galwad.",
        ),
        ServiceMessageKind.TEXT_NEEDS_HELP: Words(
            "Nodwyd bod angen help arnoch",
            "{council}: Nodwyd bod angen help arnoch. Nid yw hyn yn galw neb. Mewn perygl? Ffoniwch 999 nawr.",
            "Gweld neu newid eich rhybuddion",
            "Yn ddiogel nawr? Atebwch DIOGEL.",
        ),
        ServiceMessageKind.CHECK_PLACE: Words(
            "Gwiriwch eich cod post ar gyfer rhybuddion",
            "{council}: mae ffiniau wardiau neu godau post wedi newid. Nid ydym yn siŵr ym mha ward y mae {what} nawr.",
            "Gwirio eich cod post",
            "Tan hynny, cewch rybuddion ar gyfer y ward oedd gennych.",
        ),
        ServiceMessageKind.OUTSIDE_AREA: Words(
            "Mae eich rhybuddion gan {council} wedi dod i ben",
            "Nid yw {council} bellach yn cwmpasu eich lleoedd, am fod ffiniau wedi newid. Daeth eich pynciau i ben.",
            "Dewis pynciau eich cyngor newydd",
            "A yw eich cod post yn anghywir? Gallwch ei newid yno.",
        ),
        ServiceMessageKind.COUNCIL_MERGED: Words(
            "Daw eich rhybuddion nawr gan {council}",
            "Mae {what} bellach yn rhan o {council}, sy’n anfon eich rhybuddion. Yr un yw eich lleoedd a’ch pynciau.",
            "Gweld neu newid eich rhybuddion",
            "Gallwch atal y rhybuddion hyn ar unrhyw adeg.",
        ),
        ServiceMessageKind.TOPIC_CLOSED: Words(
            "Mae rhybuddion “{what}” yn dod i ben",
            "Bydd {council} yn peidio ag anfon rhybuddion “{what}”. Y diwrnod olaf yw {day}.{now}",
            "Dewis eich pynciau",
            "Os na wnewch ddim, ni chewch rybuddion eraill yn eu lle.",
        ),
        ServiceMessageKind.TOPIC_MERGED: Words(
            "Mae rhybuddion “{what}” nawr yn rhan o “{now}”",
            "Gofynnoch am rybuddion “{what}” gan {council}. Maent nawr yn rhan o “{now}”, a gewch o hyn ymlaen.",
            "Gweld neu newid eich rhybuddion",
            "Gallwch atal y rhybuddion hyn ar unrhyw adeg.",
        ),
        ServiceMessageKind.TOPIC_SPLIT: Words(
            "Gallwch nawr ddewis ymhlith rhybuddion “{what}”",
            "Gofynnoch am rybuddion “{what}” gan {council}. Maent nawr yn dod fel: {now}. Cewch bob un ohonynt.",
            "Dewis pa rai yr hoffech",
            "Gallwch atal y rhybuddion hyn ar unrhyw adeg.",
        ),
    },
}

# what someone is asked whose address the council has already
ASKED: Mapping[str, Mapping[Reason, Words]] = {
    "en": {
        Reason.OWN: Words(
            "You’re already signed up. Add these topics and places?",
            "You already get alerts from {council} here. Someone asked for more: {what}.",
            "Add these topics and places",
            "If you did not ask for this, ignore it: nothing changes.",
        ),
        Reason.LEFT: Words(
            "Do you want alerts again?",
            "You stopped these alerts from {council}: {what}. Now it was told that you want them.",
            "Get these alerts again",
            "If you do nothing, you do not get them, and we do not ask again.",
        ),
        Reason.COUNCIL: Words(
            "Confirm your new alerts",
            "{council} was told that you want more alerts: {what}.",
            "Confirm these alerts",
            "If you do nothing, nothing changes.",
        ),
    },
    "cy": {
        Reason.OWN: Words(
            "Rydych eisoes wedi cofrestru. Ychwanegu’r pynciau a’r lleoedd hyn?",
            "Rydych eisoes yn cael rhybuddion gan {council} yma. Gofynnodd rhywun am ragor: {what}.",
            "Ychwanegu’r pynciau a’r lleoedd hyn",
            "Os na ofynnoch am hyn, anwybyddwch ef: nid oes dim yn newid.",
        ),
        Reason.LEFT: Words(
            "Hoffech chi gael rhybuddion eto?",
            "Rydych wedi atal y rhybuddion hyn gan {council}: {what}. Nawr dywedwyd wrtho eich bod am eu cael.",
            "Cael y rhybuddion hyn eto",
            "Os na wnewch ddim, ni chewch nhw, ac ni fyddwn yn gofyn eto.",
        ),
        Reason.COUNCIL: Words(
            "Cadarnhewch eich rhybuddion newydd",
            "Dywedwyd wrth {council} eich bod am gael rhagor o rybuddion: {what}.",
            "Cadarnhau’r rhybuddion hyn",
            "Os na wnewch ddim, nid oes dim yn newid.",
        ),
    },
}
NOTHING_BUT_ANSWERS: Mapping[str, str] = {"en": "your new answers", "cy": "eich atebion newydd"}
INSTEAD: Mapping[str, str] = {
    "en": " You can follow this instead: {now}.",
    "cy": " Gallwch ddilyn hyn yn lle hynny: {now}.",
}
# what a text says to people who get none, though they asked what they get
NO_TEXTS: Mapping[str, str] = {"en": "no texts", "cy": "dim negeseuon testun"}
