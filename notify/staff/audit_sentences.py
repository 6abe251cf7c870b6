"""What the audit trail says in words: “Sam approved ‘Mill Road closed’”. Every action has a sentence here.

`{who}` is the user, key or part of the service, `{what}` what it was done to: an alert by its title, a user by name.
"""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # alerts
    "alert.approve": "{who} approved {what}",
    "alert.areas-ended": "{who} held {what}, because areas of it have ended",
    "alert.areas-followed": "{who} sent {what} to the areas that took over from ended ones",
    "alert.areas-in-force": "{who} let {what} go on, because its areas are in force again",
    "alert.break-glass": "{who} sent {what} alone, without a second person",
    "alert.cancel": "{who} cancelled {what}",
    "alert.change": "{who} changed {what}",
    "alert.create": "{who} wrote {what}",
    "alert.escalate": "{who} sent {what} by another channel to people it had not reached",
    "alert.late": "{who} held {what}, because it was late",
    "alert.missed.download": "{who} downloaded who {what} did not reach",
    "alert.missed.view": "{who} looked at who {what} did not reach",
    "alert.move": "{who} moved {what} to the council that took over",
    "alert.reject": "{who} sent {what} back to its author",
    "alert.replace-areas": "{who} sent {what} to the areas in force now",
    "alert.reschedule": "{who} gave {what} another time",
    "alert.retry": "{who} tried failed messages of {what} again",
    "alert.send-late": "{who} sent {what} late",
    "alert.submit": "{who} asked for {what} to be sent",
    "annotation.add": "{who} added a note to the reports",
    "annotation.remove": "{who} removed a note from the reports",
    "archive.export": "{who} downloaded alerts from the archive",
    "audience.count": "{who} counted who an alert about {what} would reach",
    "breach.note": "{who} explained why {what} missed its service level",
    "draft.prove": "{who} sent themselves a test of a draft",
    "staff-time.note": "{who} noted how long {what} took",
    # recurring alerts, templates, notices, CAP
    "cap.receive": "{who} took in a CAP message",
    "notice.correct": "{who} corrected the statutory notice {what}",
    "notice.publish": "{who} published the statutory notice {what}",
    "notice.withdraw": "{who} withdrew the statutory notice {what}",
    "recurrence.areas-ended": "{who} held the recurring alert {what}, because areas of it have ended",
    "recurrence.begin": "{who} made {what} a recurring alert",
    "recurrence.end": "{who} ended the recurring alert {what}",
    "recurrence.go-on": "{who} let the recurring alert {what} go on",
    "recurrence.pause": "{who} paused the recurring alert {what}",
    "recurrence.replace-areas": "{who} gave the recurring alert {what} the areas in force now",
    "template.retire": "{who} archived the template {what}",
    "template.save": "{who} saved the template {what}",
    # topics
    "topic-group.change": "{who} changed the group of topics {what}",
    "topic-group.create": "{who} made the group of topics {what}",
    "topic-group.remove": "{who} removed the group of topics {what}",
    "topic.change": "{who} changed the topic {what}",
    "topic.close": "{who} ended the topic {what} and told its subscribers",
    "topic.create": "{who} made the topic {what}",
    "topic.end": "{who} ended the subscriptions to {what} after its last day",
    "topic.merge": "{who} merged the topic {what} into another",
    "topic.reorder": "{who} put the topics in another order",
    "topic.split": "{who} split the topic {what}",
    # sending
    "budget.change": "{who} changed the budget",
    "budget.spent": "{who} noted that the budget is spent",
    "budget.warning": "{who} warned that the budget is nearly spent",
    "bounces.confirm": "{who} confirmed a burst of bounces",
    "bounces.dismiss": "{who} dismissed a burst of bounces",
    "endpoint.disable": "{who} disabled a webhook receiver",
    "endpoint.enable": "{who} enabled a webhook receiver",
    "endpoint.rotate": "{who} changed the secret of a webhook receiver",
    "price.add": "{who} noted a price",
    "queue.hold": "{who} put {what} on hold",
    "queue.release": "{who} released {what}",
    # residents
    "contact.add": "{who} confirmed a further contact of a subscriber",
    "contact.refuse": "{who} refused a further contact of a subscriber",
    "residents.alarm": "{who} read about unusually many subscribers",
    "residents.read": "{who} read about subscribers",
    "subscriber.add": "{who} added a subscriber",
    "subscriber.assist": "{who} helped someone sign up",
    "subscriber.erase": "{who} erased a subscriber",
    "subscriber.import": "{who} imported subscribers from {what}",
    "suppression.add": "{who} added a suppression",
    "suppression.lift": "{who} lifted a suppression",
    "suppression.lift-many": "{who} lifted many suppressions",
    "texts.stop-day": "{who} stopped confirmation texts for the day, because there were too many",
    "texts.stop-neighbours": "{who} stopped confirmation texts to a range of numbers",
    # users and keys
    "key.create": "{who} made the API key {what}",
    "key.revoke": "{who} revoked the API key {what}",
    "officer.areas-ended": "{who} noted that areas given to {what} have ended",
    "officer.ask-second-factor": "{who} asked for a new second factor for {what}",
    "officer.bind-account": "{who} signed in with their council account for the first time",
    "officer.change": "{who} changed what {what} may do",
    "officer.create": "{who} added the user {what}",
    "officer.end-sessions": "{who} signed {what} out",
    "officer.invite": "{who} invited {what}",
    "officer.refuse-second-factor": "{who} refused a new second factor for {what}",
    "officer.reset-second-factor": "{who} agreed to a new second factor for {what}",
    "officer.set-password": "{who} set a password for {what}",
    "officer.sign-in": "{who} signed in",
    "officer.sign-in-failed": "Someone tried to sign in as {what} and was refused",
    "officer.use-recovery-code": "{who} used a recovery code",
    "officer.withdraw": "{who} withdrew the invitation of {what}",
    # the council, its places and collections
    "collections.activate": "{who} put the collection days {what} into force",
    "collections.campaign": "{who} told residents about new collection days",
    "collections.event": "{who} reported what happened to a collection",
    "collections.letters": "{who} downloaded addresses for letters about collection days",
    "collections.moves": "{who} changed the table of moved collections",
    "collections.stream": "{who} changed what is collected",
    "council.create": "{who} made the council {what}",
    "council.districts": "{who} changed the districts of the council",
    "council.merge": "{who} made {what} part of this council",
    "council.merged": "{who} made this council part of another",
    "council.rename": "{who} renamed the council",
    "council.set-up": "{who} dismissed the list of first steps",
    "geodata.activate": "{who} put boundaries or postcodes into force",
    # reports, exports and evidence
    "assumptions.change": "{who} changed the assumptions about costs",
    "calls.import": "{who} uploaded numbers of calls",
    "calls.topic": "{who} said which topic a kind of call belongs to",
    "demo.history": "{who} invented a year of alerts",
    "export-schedule.create": "{who} set up a regular report",
    "export-schedule.go-on": "{who} let a regular report go on",
    "export-schedule.pause": "{who} paused a regular report",
    "export-schedule.remove": "{who} removed a regular report",
    "export-schedule.send-now": "{who} had a regular report sent now",
    "extract.everything": "{who} downloaded everything that the council holds",
    "extract.take": "{who} downloaded the data set {what}",
    "figures.publish": "{who} published figures as open data",
    "figures.withdraw": "{who} withdrew figures from open data",
    "foi.state": "{who} kept a statement for information requests",
    "target.change": "{who} changed a service level",
    "target.set": "{who} set a target",
    "target.values": "{who} entered values of an indicator",
}
# who did it, where no user or key did
ACTORS: Mapping[str, str] = {
    "command-line": "Your system administrator",
    "engine": "The service",
    "scheduler": "The service",
    "identity-provider": "The sign-in service",
}


def actions_that_say(word: str) -> list[str]:
    """The actions whose sentences hold this word."""
    asked = word.lower()
    return [action for action, sentence in SENTENCES.items() if asked in sentence.lower()]


def sentence(action: str, *, who: str, what: str) -> str:
    """What happened, in words; an action that is not known is said by its name."""
    return SENTENCES.get(action, "{who} did " + action + " to {what}").format(who=who, what=what or "something")
