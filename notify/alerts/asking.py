"""What a message of an alert asks its reader: are you safe? And a text as it is counted and as it is sent."""

from notify import rendering, tokens
from notify.settings import settings

# a link in a text costs places: twenty-two letters name the alert and the delivery, and prove that we wrote them
_NUMBER_BYTES = 4
_NOBODY = (0, 0)


def reply_url(code: int, number: int) -> str:
    """The personal link by which the reader of this delivery answers; `code` is the alert's short name."""
    payload = code.to_bytes(_NUMBER_BYTES, "big") + number.to_bytes(_NUMBER_BYTES, "big")
    return f"{settings().base_url}/r/{tokens.sign(tokens.Purpose.REPLY, payload)}"


def read_reply_token(token: str) -> tuple[int, int]:
    """The alert's short name and the number of the delivery. Raises: LinkNotValid."""
    payload = tokens.read(tokens.Purpose.REPLY, token)
    if len(payload) != 2 * _NUMBER_BYTES:
        raise tokens.LinkNotValid("The link is incomplete.")
    return int.from_bytes(payload[:_NUMBER_BYTES], "big"), int.from_bytes(payload[_NUMBER_BYTES:], "big")


def text_message(
    words: str, *, council_name: str, language: str = "en", is_training: bool = False, reply_to: str | None = None
) -> str:
    """A whole text message; `reply_to` is the reader's link, or what stands for it."""
    template = rendering.message_environment("sms").get_template("alert.txt")
    return template.render(
        sms=words, council_name=council_name, language=language, is_training=is_training, reply_url=reply_to
    ).strip()


def anybodys_text(words: str, *, council_name: str, is_training: bool, asks_reply: bool) -> str:
    """The same with a link as long as everybody's, for counting."""
    link = reply_url(*_NOBODY) if asks_reply else None
    return text_message(words, council_name=council_name, is_training=is_training, reply_to=link)
