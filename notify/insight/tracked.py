"""Which messages can be clicked so that we know of it: what every rate of clicks is divided by.

Only e-mails hold counted links, and only where the topic allows it, in no emergency, where there is a link at all, and
for people who agreed to be counted.
"""

# of an alert `a` and its topic `t`
IS_TRACKED = "t.tracking_allowed AND a.priority <> 'emergency' AND a.link IS NOT NULL"
# of a line of the alert's counted cells
IN_TRACKED_CHANNEL = "channel = 'email'"
# e-mails of the alert of line `r` that were sent with a counted link; empty where it has none
TRACKED_OF_ALERT = f"""
    CASE WHEN {IS_TRACKED} THEN
        (SELECT sum(c.agreed) FROM rollup_cell c WHERE c.alert_id = r.alert_id AND c.{IN_TRACKED_CHANNEL}) END
"""  # noqa: S608 - our own words
