"""How bounces look: their senders, subjects and wording.

Regular expressions for folded text, as in `phrases.py`.
"""

from collections.abc import Sequence

# who writes bounces: before the @ of the sender
SYSTEMS: Sequence[str] = (
    r"(?:mail|mailer|post|delivery|bounce)[-_. ]?(?:er)?[-_. ]?(?:daemon|deamon|master|administrator|admin|system"
    r"|subsystem|service|notification|robot)",
    r"postmaster", r"mailerdaemon", r"mdaemon", r"daemon", r"bounces?", r"administrator", r"system[-_. ]?admin\w*",
    r"returnmail", r"mailbounce", r"microsoftexchange[0-9a-f]*", r"exchange", r"nobody", r"root", r"uucp",
    r"mailnull", r"mta", r"smtp", r"undeliverable", r"ndr", r"admin", r"system", r"mmdf", r"double-bounce",
)  # fmt: skip
# the sender's name
SYSTEM_NAMES: Sequence[str] = (
    r"mail delivery (?:sub)?system", r"mailer[- ]daemon", r"postmaster", r"internet mail delivery",
    r"mail administrator", r"system administrator", r"mail delivery", r"mailsystem", r"mail system",
    r"microsoft outlook", r"mail router",
)  # fmt: skip
# subjects of bounces, after a few words
REJECTED: Sequence[str] = (
    r"undeliver", r"un-?deliver",
    r"deliver(?:y|ies)(?: \w+){0,3}[- :]*(?:fail|status|problem|error|not|report|incomplete|abort|unable)",
    r"fail(?:ed|ure)(?: of)? (?:notice|deliver|mail|notif|report|to deliver)", r"returned mail",
    r"mail (?:delivery|returned|could not|system error|not delivered|status|failure|error)", r"non-?deliver",
    r"not delivered", r"could not (?:be )?(?:send|sent|deliver)", r"returning message", r"nondeliver",
    r"user unknown", r"unknown (?:user|recipient|address)", r"bounce",
    r"(?:message|e-?mail) (?:status|undeliver|could not|delivery|not|blocked)", r"rejected", r"rejection",
    r"address not found", r"ndn:", r"ndr\b", r"mailbox (?:full|unavail)", r"returned to sender", r"rebut",
    r"unzustellbar", r"nicht zugestellt", r"zustell\w*fehl", r"zustell\w*problem", r"fehlgeschlagen",
    r"konnte nicht", r"rue?cklae?ufer", r"non remis", r"non distribu", r"echec",
    r"retour (?:du|de) (?:mail|courrier|message)", r"impossible de remettre",
    r"no se (?:ha )?(?:pudo|podido|puede)? ?entreg", r"no entregado", r"error de entrega", r"devuelto",
    r"nao (?:foi )?entregue", r"falha", r"mancata consegna", r"non recapitabile", r"impossibile", r"onbestelbaar",
    r"niet bezorgd", r"niet bestelbaar", r"nie dostarczon", r"nie mozna dostarczy", r"zwrot", r"nedoru", r"kezbes",
    r"teslim edilemedi", r"не ?доставлен", r"недоставлен", r"возврат", r"не удалось",
    r"配信(?:不能|エラー|でき|失敗)",
    r"配送(?:不能|エラー|失敗)", r"送信(?:エラー|できま|失敗)", r"返送", r"戻り", r"エラーメール", r"宛先不明",
    r"不達", r"退信", r"退回", r"投递失败",
    r"无法(?:投递|送达|传递)", r"无法投递", r"未能送达", r"系统退信", r"반송", r"배달(?:되지| 실패|불능)",
    r"전송 실패", r"olevererbar",
    r"kunne ikke leveres", r"kunde inte levereras", r"obestallbar", r"ei voitu toimittaa",
)  # fmt: skip
# subjects of mailboxes that answer by themselves
AUTOMATIC: Sequence[str] = (
    r"out of (?:the )?office", r"auto(?:matic|mated)?[- ]?(?:reply|respon|answer)", r"autoreply", r"vacation",
    r"away from", r"on holiday", r"absen(?:t|ce|z)", r"abwesen", r"abwezig", r"ausser haus", r"außer haus",
    r"automatische antwort", r"reponse automatique", r"respuesta autom", r"risposta automatica", r"resposta autom",
    r"fuera de (?:la )?oficina", r"fuori ufficio", r"autosvar", r"automatyczna odpowied", r"автоответ", r"自動応答",
    r"自動返信", r"不在", r"自动回复", r"부재중",
)  # fmt: skip
# words of systems that go on trying
DELAYED: Sequence[str] = (
    r"\bdelay(?:ed)?", r"\bwarning: could not send", r"\bstill (?:being )?(?:re)?tr(?:y|ied)",
    r"\bnot yet been delivered", r"\bthis is a warning message only", r"\bdo(?:es)? not need to resend",
    r"\bno action is required on your part", r"\bwill (?:be )?(?:continue to be )?(?:re)?(?:try|tried|attempt)",
    r"\bwill keep trying", r"\bwill continue (?:to|trying)", r"\battempts? will continue",
    r"\btemporarily delayed", r"\bdelivery attempts", r"\bdelivery incomplete", r"verzoe?ger", r"retarde",
    r"retras", r"ritard", r"遅延", r"遅れ", r"延迟",
)  # fmt: skip
# and their subjects
DELAYED_SUBJECT: Sequence[str] = (
    r"\bdelay", r"\bwarning: (?:could not send|message|mail)", r"verzoe?ger", r"retard", r"retras", r"ritard",
    r"遅延", r"遅れ", r"延迟",
)  # fmt: skip
# words that say that it is over after all
GIVEN_UP: Sequence[str] = (
    r"giv(?:en|ing) up", r"permanent", r"failed permanently", r"has been abandoned", r"fatal",
    r"couldn't be delivered", r"could not be delivered within", r"no further", r"expired", r"final",
)  # fmt: skip
# subjects that tell of a delivery
SUCCEEDED: Sequence[str] = (
    r"\bsuccess(?:ful(?:ly)?)?", r"\bwas (?:successfully )?(?:delivered|relayed)", r"\byour message was delivered",
    r"\brelayed:", r"\bdelivered:", r"\bread:", r"\bgelesen:", r"\bdelivery receipt", r"\breturn receipt",
)  # fmt: skip
# words without which nothing failed
FAILED: Sequence[str] = (
    r"\bundeliver", r"\bnot (?:be )?(?:deliver|reach)", r"\bn't (?:be )?(?:deliver|reach)", r"\bunable to deliver",
    r"\bfail", r"\breject", r"\brefus", r"\breturned", r"\berror", r"\bbounce", r"\bdid not reach", r"\bunknown",
    r"\bno such", r"\bcannot", r"\bcould not", r"\bcouldn't", r"\bwasn't", r"\bcan't", r"\bunavailable",
    r"\bproblem", r"nicht", r"fehl", r"impossible", r"pas pu", r"echec", r"(?:n'a|n'ont) pas",
    r"no (?:se )?(?:pudo|puede|ha)", r"non (?:è|e'|recap|conseg)", r"niet", r"nao", r"nie ", r"не ", r"できま",
    r"ません", r"失敗", r"エラー", r"不明", r"失败", r"无法", r"退", r"不存在", r"없", r"실패",
)  # fmt: skip
