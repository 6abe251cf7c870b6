"""The words by which mail systems say why a message came back, in groups; `verdicts.py` says what each means.

Each group is a list of regular expressions for folded text without addresses and links, with single spaces.
docs/providers/bounces.md has the table with its sources.
"""

import re
import unicodedata
from collections.abc import Sequence

_ACCENTS = re.compile(r"[\u0300-\u036f]")


def fold(text: str) -> str:
    """The text in lower case and without accents, full-width letters and curly quotes, for words to be looked for."""
    plain = unicodedata.normalize("NFKD", text.lower())
    for curly in "’‘`´":
        plain = plain.replace(curly, "'")
    return unicodedata.normalize("NFC", _ACCENTS.sub("", plain))


def any_of(phrases: Sequence[str]) -> re.Pattern[str]:
    """One pattern that finds any of these phrases in folded text."""
    return re.compile("|".join(f"(?:{fold_pattern(phrase)})" for phrase in phrases))


def fold_pattern(pattern: str) -> str:
    """A pattern whose letters are folded like the text; its escapes are ASCII and stay."""
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", pattern)))


_MAILBOX = (
    r"(?:user(?: ?name| ?id| name)?s?|recipients?(?: names?)?|accounts?|mail ?box(?:es)?|inbox"
    r"|e-?mail(?: address(?:es)?| accounts?)?|(?:recipient |destination |mail(?:box)? )?address(?:es)?"
    r"|addressee|alias|login|customer|subscriber|member|local[- ]?part|person|receiver|mail ?drop)"
)
_GONE = (
    r"(?:unknown|not known|(?:does|do|did)(?: not|n't) exist|doesnt exist|not exist(?:ing)?|non-?exist(?:ent"
    r"|ing|ant)|nonexistent|not found|(?:can ?not|can't|could not|couldn't) be (?:found|located|resolved)"
    r"|not (?:be )?recogni[sz]ed|unrecogni[sz]ed|not (?:a )?valid|isn't valid|invalid|illegal|not listed"
    r"|not registered|not on file|not our customer|deleted|no longer (?:exists?|valid|active|in use"
    r"|in service|used|here|on (?:this )?(?:server|system)|accepts?|available|with (?:us|the company))"
    r"|(?:has been |is |was )?(?:disabled|inactive|not active|inactivated|deactivated|discontinued|deleted"
    r"|removed|terminated|cancell?ed|expired|closed)|not (?:here|present)|undeliverable|has left"
    r"|is not a known)"
)
_NEAR = r"(?:[^.;!?]|\.(?=\S)){0,40}?"

# nobody lives at this address, or its domain is nowhere
NOBODY: Sequence[str] = (
    rf"@(?: is| was|\.\.\.|:|,)? {_GONE}\b",  # the address itself
    r"\bbadrcptto\b",
    r"\b(?:is|'s) no ?(?:one|body) at (?:this|that) address",
    r"\ba user (?:by|with|of) that name",
    r"\bno existe (?:dicha|ese|esa|el|la|este|esta|tal)\b",
    r"\bno se (?:ha )?encontr(?:o|ado|aron) (?:la |el |los |las )?(?:direccion|usuario|destinatario|buzon|cuenta)",
    rf"\b{_MAILBOX}\b{_NEAR}\b{_GONE}\b",
    r"\b(?:unknown|no such|no valid|invalid|illegal|non-?exist(?:ent|ing|ant)|unrecogni[sz]ed|inactive"
    r"|disabled|deactivated|deleted)"
    rf" (?:or (?:invalid|unknown|illegal) )?(?:\w+ ){{0,2}}?{_MAILBOX}\b",
    r"\bbad (?:destination )?(?:mailbox|recipient|user|address)\b(?! syntax)",
    r"\b(?:no|not an?) (?:known |valid |active |such )?(?:user|mailbox|account|recipient|customer|person"
    r"|alias)s? "
    r"(?:here|by that|with that|by this|with this|of that|found|exists?|named|called|at this|in this|on this"
    r"|like)",
    r"\bno mail ?box\b",
    r"\bno such (?:person|one|name|alias|local|virtual|login|forward)",
    r"\bnot a (?:valid|known|local|current) (?:user|mailbox|recipient|address|account|customer)",
    r"\bno ?body (?:here )?(?:by|with|of) (?:that|this) name",
    r"\bno one (?:here )?(?:by|with) (?:that|this) name",
    r"\bis not (?:one of our|an? (?:valid|known|active|existing|current|registered))",
    r"(?:doesn't|does not|doesnt) (?:have|own) (?:an? )?.{0,40}?\baccount",
    r"\bdoes not have an account\b",
    r"\b(?:was|were|is)(?: not|n't) found (?:at|in|on)\b",
    r"\bnot (?:found|listed) in (?:the |our )?.{0,40}?"
    r"(?:directory|address ?book|aliases|alias table|database|ldap|user ?list|names)",
    r"\bnot listed in (?:public|domino)",
    r"\bunknown address\b(?! error)",
    r"\bunknown or illegal alias",
    r"\b(?:archived|deleted|retired) recipient\b",
    r"\bname is not recogni[sz]ed",
    r"\brecogni[sz]ed or[- ]?name",
    r"\b(?:perhaps|maybe) the recipient moved\b",
    r"\brecipient has moved\b",
    r"\bno longer works (?:here|for)\b",
    r"recip(?:ient)?_?notfound|unknown_?recipient|no_?such_?(?:user|recipient|mailbox)|user_?(?:unknown"
    r"|not_?found)|mailbox_?not_?found|recipient_?(?:unknown|not_?found)|nosuchuser|infodomainnonexistent"
    r"|bad_?recipient",
    r"\bunrout(?:e)?able (?:address|mail domain|recipient)",
    r"\brecipient: unknown to address\b",
)

# what RFC 5321 calls every 550; big providers mean that nobody lives there
UNAVAILABLE: Sequence[str] = (
    r"\b(?:mailbox|user|recipient|account)(?: @)? (?:is |was )?(?:unavailable|not available)\b",
    r"\bmailbox (?:is )?(?:unavailable or|not found or)",
)

NO_DOMAIN: Sequence[str] = (
    r"\bdomain must exist\b",
    r"\b(?:domain(?: name)?|host ?name|host(?: or domain name)?|mail domain|domain/host|site"
    r"|destination server|mail server)\b"
    rf"{_NEAR}\b(?:does not exist|doesn't exist|not exist|not found|unknown|(?:could not|couldn't|cannot"
    rf"|can't) be (?:found|resolved)|non-?existent|is invalid|invalid)\b",
    r"\bnxdomain\b",
    r"\b(?:unknown|no such|non-?existent|invalid|illegal|bad destination) (?:mail )?(?:host|domain)",
    r"\bhost unknown\b",
    r"\bno such domain\b",
    r"\b(?:couldn't|could not|can't|cannot) find any host (?:named|by that name)",
    r"\b(?:couldn't|could not|can't) find a mail exchanger or ip address",
    r"\bnull ?mx\b",
    r"\bdomain .{0,30}accepts? no mail",
    r"\bdoes not accept (?:any )?mail \(nullmx",
    r"\billegal host/domain name",
    r"\bunrouteable mail domain",
    r"ドメイン.{0,12}(?:存在しません|見つかりません)",
    r"域名不存在|找不到.{0,8}域",
    r"\bdomae?ne? .{0,40}existiert nicht",
    r"\bdomaine .{0,40}(?:n'existe pas|introuvable)",
    r"\bdominio .{0,40}no existe",
)

NOBODY_ELSEWHERE: Sequence[str] = (
    # German
    r"(?:benutzer|empf(?:ä|ae|a)nger|adress(?:e|at)|postfach|mailbox|konto|teilnehmer|nutzer"
    r"|e-?mail-?adresse|account).{0,60}?"
    r"(?:unbekannt|existiert nicht|nicht (?:gefunden|vorhanden|bekannt|gue?ltig|existent|mehr (?:gue?ltig"
    r"|vorhanden|aktiv))|ungue?ltig|deaktiviert|geloe?scht|inaktiv)",
    r"(?:unbekannter?|ungue?ltiger?|kein(?:en)?(?: solcher| gue?ltiger)?) "
    r"(?:benutzer|empfae?nger|adressat|postfach|mailbox|nutzer)",
    r"konnte(?:n)? (?:am|in der|auf der|im) .{0,40}?nicht gefunden werden",
    # French
    r"(?:utilisateur|destinataire|adresse|boite(?: aux lettres| mail)?|compte|usager).{0,60}?"
    r"(?:inconnue?|inexistante?|n'existe (?:pas|plus)|introuvable|invalide|desactivee?|non trouvee?"
    r"|(?:n'a pas|n'a pu) (?:pu )?(?:etre|ete) trouvee?|supprimee?)",
    # Spanish and Portuguese
    r"(?:usuario|destinatario|direccion|buzon|cuenta|usuario|destinatario|endereco|conta|caixa postal)"
    r".{0,60}?(?:desconocid[oa]|no existe|inexistente|no encontrad[oa]"
    r"|no (?:se )?(?:ha )?(?:podido encontrar|encontr)|desconhecid[oa]|nao existe|nao (?:foi )?encontrad[oa]"
    r"|invalid[oa]|desactivad[oa]|desativad[oa])",
    # Italian
    r"(?:utente|destinatario|indirizzo|casella(?: di posta)?|account).{0,60}?"
    r"(?:sconosciut[oa]|inesistente|non esiste|non (?:è |e )?(?:stat[oa] )?trovat[oa]|non valid[oa]"
    r"|disattivat[oa])",
    # Dutch
    r"(?:gebruiker|ontvanger|adres|postvak|mailbox|account).{0,60}?(?:onbekend|bestaat niet|niet gevonden"
    r"|niet (?:meer )?geldig)",
    r"onbekende (?:gebruiker|ontvanger)",
    # Polish, Czech
    r"(?:uzytkownik|odbiorca|adres|skrzynka|konto).{0,60}?(?:nieznan|nie istnieje|nie (?:został "
    r"|zosta[łl]a )?znalezion)",
    r"(?:nieznany|nie ma takiego) (?:uzytkownik|odbiorc)",
    r"(?:uzivatel|schranka|adresa).{0,40}?(?:neexistuje|neznam)",
    # Scandinavian, Finnish
    r"(?:anvandar|mottagar|mottaker|modtager|bruger|bruker|adresse?n?|postladan).{0,60}?"
    r"(?:okand|ukjent|ukendt|finns inte|findes ikke|finnes ikke|hittades inte|ikke fundet|ikke funnet)",
    r"(?:kayttajaa?|vastaanottaja|osoite|osoitetta).{0,40}?(?:tuntematon|ei loydy|ei ole olemassa)",
    # Turkish, Hungarian, Romanian, Welsh
    r"(?:kullan[ıi]c[ıi]|al[ıi]c[ıi]|adres).{0,40}?(?:bulunamad|bilinmiyor|mevcut degil)",
    r"(?:felhasznalo|cimzett|postafiok).{0,40}?(?:ismeretlen|nem letezik|nem talalhato)",
    r"(?:utilizator|destinatar|adresa).{0,40}?(?:necunoscut|nu exista|inexistent)",
    r"(?:defnyddiwr|cyfeiriad|blwch post).{0,40}?(?:anhysbys|ddim yn bodoli)",
    # Russian, Ukrainian, Greek
    r"(?:пользовател|получател|адресат|ящик|адрес|учетн|користувач|одержувач).{0,60}?(?:не существует"
    r"|не найден|неизвест|отсутствует|не зарегистрирован|заблокирован за неактивность|не існує|не знайдено"
    r"|невідом)",
    r"нет такого (?:пользователя|ящика|адреса)|неизвестный (?:пользователь|получатель)"
    r"|недействительн\w+ (?:адрес|почтов)",
    r"(?:χρήστης|παραλήπτης|διεύθυνση).{0,40}?(?:δεν υπάρχει|άγνωστ|δεν βρέθηκε)",
    # Japanese, Chinese, Korean
    r"(?:宛先|あて先|アドレス|ユーザー?|受信者|メールボックス|アカウント|利用者).{0,40}?"
    r"(?:存在しません|存在しない|見つかりません|見つからない|見つかりませんでした|不明|ありません|無効|登録されていません|使われていません)",
    r"(?:存在しない|無効な|不明な)(?:メール)?(?:アドレス|ユーザー?|宛先)",
    r"宛先不明|該当する(?:ユーザー?|アドレス)",
    r"(?:用户|用戶|收件人|邮箱|郵箱|信箱|帐号|账号|地址|使用者).{0,20}?(?:不存在|未找到|找不到|无效|無效|不正确|已停用|被禁用|未知|错误)",
    r"(?:找不到|不存在|没有).{0,12}?(?:用户|收件人|邮箱|地址)",
    r"(?:사용자|수신자|받는 사람|메일함|계정|주소).{0,20}?(?:존재하지 않|찾을 수 없|없습니다|알 수 없|없는)",
)

# no room for more mail
FULL: Sequence[str] = (
    r"\bquota",
    r"\bover ?-?quota",
    r"\b(?:mail ?box|inbox|account|mail ?folder|maildir|user|recipient)(?:'s)?(?: \w+){0,4} (?:is |was "
    r"|are )?"
    r"(?:currently |now |too )?full\b",
    r"\bfull (?:mail|in)box",
    r"\bmailbox[_ ]?full",
    r"\bmbox is full",
    r"\b(?:exceed\w*|over|above|reached|out of)\b"
    r"[^.;]{0,50}?\b(?:storage|space|limit|allo(?:cat|w)\w*|size|capacity|maximum|sized?)\b",
    r"\bexceeded .{0,20}allocation",
    r"\b(?:insufficient|not enough|out of|lack of|low) (?:\w+ )?(?:disk|system|storage|space|memory|resources?)\b",
    r"\bno (?:more )?(?:disk |system |storage )?(?:space|room|memory|resources?)\b",
    r"\bdisk (?:is )?full\b",
    r"\bstorage (?:is )?full\b",
    r"\bspace (?:left|available)\b",
)

# the mailbox or its system cannot take mail now
FOR_NOW: Sequence[str] = (
    r"\bnot found, try again",
    r"\btry (?:again )?(?:it )?(?:in|later|after|sending)",
    r"\btry (?:your message )?again (?:later|in )",
    r"\b(?:come back|retry|resend)\b.{0,20}\blater\b",
    r"\btempora(?:l|r)(?:y|il\w*)\b",
    r"\bdeferr(?:ed|al)",
    r"\bgr[ea]y-?list",
    r"\bretry time",
    r"\bretries exhausted",
    r"\bgiv(?:en|ing) up after",
    r"\btime(?:d)?[- ]?out",
    r"\b(?:message|mail|delivery|queue|retry|time|lifetime)\b.{0,30}\bexpired\b",
    r"\bexpired\b.{0,30}\b(?:queue|retry|delivery)",
    r"\b(?:too old|queued? too long|in (?:the )?queue too long|undeliverable for"
    r"|could not be delivered (?:for|within|in))\b",
    r"\bconnection (?:was |has been )?(?:refused|reset|closed|lost|dropped|aborted|broken|timed|failed"
    r"|failure|died|error|rejected by)",
    r"\b(?:failed|unable|could not|couldn't|cannot|wasn't able|not able|can't"
    r"|impossible) (?:to )?(?:\w+ )?(?:connect|contact|reach|establish|open a connection|communicate"
    r"|get in touch)",
    r"\b(?:network|host|destination)(?: is)? (?:is )?(?:unreachable|down|not responding)",
    r"\bno route to\b",
    r"\bnetwork (?:error|problem|failure)",
    r"\bnot respond",
    r"\bno (?:answer|response|reply) from",
    r"\b(?:server|system|service|host) (?:is )?(?:too )?(?:busy|down|overload\w*|(?:temporarily "
    r"|currently )?unavailable|shutting)",
    r"\bservice (?:currently )?(?:not available|unavailable)",
    r"\bdns (?:error|failure|lookup|server fail|query fail|time)",
    r"\blookup (?:fail|time|error)|servfail",
    r"\b(?:mail )?loop(?:s|ing|ed)?\b",
    r"\btoo many (?:hops|received|connections|messages|recipients|errors|sessions|concurrent)",
    r"\bhop count",
    r"\bmax(?:imum)? hops",
    r"\bat a rate\b",
    r"\brate[- ]?limit",
    r"\bthrottl",
    r"\btoo (?:quickly|fast|frequent|much (?:mail|e-?mail|traffic))",
    r"\bload\b.{0,20}\btoo high",
    r"\b(?:currently|temporarily|presently|momentarily) (?:un|not |disabled|suspended|reject|blocked"
    r"|inaccess)",
    r"\bover(?:loaded|load)\b",
    r"\b(?:under|for) maintenance\b",
    r"\b(?:local|system|server|internal|configuration|mail server|processing) (?:configuration )?error",
    r"\bcannot (?:create|open|append|write|lock|update)\b",
    r"\bcan't create",
    r"\binput/output error",
    r"\bmisconfigur",
    r"\bsuspended\b",
    r"\bvacation\b",
    r"\bon hold\b",
    r"\bstarttls|\btls (?:is |was )?(?:required|not|fail|negotiat)",
    r"\bcertificate\b",
    # German, French, Spanish, Italian, Dutch, Portuguese, Polish, Scandinavian
    r"postfach.{0,40}(?:voll|ue?berfue?llt)|speicherplatz|ue?berschritten|kontingent|vorue?bergehend"
    r"|zeitue?berschreitung|spae?ter (?:noch ?mal|erneut|wieder)|(?<!unbekannt oder )nicht erreichbar"
    r"|verbindung.{0,40}(?:fehlgeschlagen|abgelehnt|nicht hergestellt)",
    r"boite.{0,40}pleine|quota depass|depasse?.{0,30}(?:limite|quota|taille)|espace (?:disque )?insuffisant"
    r"|temporairement|delai.{0,30}depass|ulterieurement|reessayer",
    r"(?:buzon|casilla|bandeja).{0,40}llen[oa]|cuota|espacio insuficiente|temporalmente|mas tarde"
    r"|casella.{0,40}piena|spazio (?:esaurito|insufficiente)|temporane|(?:mailbox|postvak"
    r"|postbus).{0,30}\bvol\b|tijdelijk|caixa.{0,40}cheia|cota excedida|temporariamente",
    r"(?:skrzynka|konto).{0,40}(?:pe[łl]na|przepe[łl]nion)|przekroczon|postlada.{0,30}full|(?:postkasse"
    r"|innboks).{0,30}(?:full|fuld)|midlertidig|tillfallig",
    # Russian, Greek, Japanese, Chinese, Korean
    r"переполнен|превы(?:шен|сил)|временно|попробуйте позже|недостаточно места|квот",
    r"(?:いっぱい|一杯|満杯|容量|超過|オーバー|サイズ|一時的|後ほど|しばらく|タイムアウト|接続できません|接続に失敗|制限)",
    r"(?:已满|已滿|空间不足|容量|超过|超過|超出|暂时|暫時|稍后|超时|频率|连接失败)",
    r"(?:용량|초과|가득|일시적|나중에|시간 초과)",
)

# the sender, the text or a policy is in the way, which says nothing of the address
OURS: Sequence[str] = (
    r"\btoo many (?:invalid|unknown|bad)\b",
    r"\bin (?:your )?(?:helo|ehlo)\b",
    r"\b(?:your|sending|originating) (?:mail |e-?mail )?domain\b|\bin mail from\b",
    r"\b(?:in|of) (?:the )?['\"]?(?:from|to|cc|reply-to)['\"]?(?: (?:header|field|line|address)\b|$|[.,;:)])",
    r"\bsender(?:'s)?\b(?: (?:e-?mail|mail|address|domain|id|ip|host|name|identity"
    r"|server))*[^.;]{0,40}?\b(?:reject|invalid|unknown|not exist|n't exist|den(?:y|ied)|verif|block|"
    r"refus|not (?:found|allowed|resolv|permitted|valid|accept|authori|known)|unverif|unresolv|must|banned"
    r"|restrict|listed|reputation|forg|spoof)",
    r"\b(?:invalid|unknown|unverified|unauthori[sz]ed|bad|blocked|illegal|spoofed|forged|rejected"
    r"|restricted) sender",
    r"\bdomain of sender",
    # our own account with a relay
    r"\byour (?:\w+ )?account\b|\binvoice\b|\bunpaid\b|\bsubscription (?:has |is )?(?:expired|ended|lapsed)",
    r"\bverif\w+ (?:of )?(?:the )?sender",
    r"\bverification failed for\b",
    r"\bsender verif",
    r"\bcallout\b",
    r"\benvelope (?:sender|from)",
    r"\breturn[- ]path\b",
    r"\bmail from(?::|\b).{0,40}(?:reject|invalid|not|den|fail)",
    r"\bfrom (?:address|header|domain)\b.{0,40}(?:reject|invalid|not|den|fail|unknown|must)",
    r"\breply-to\b.{0,30}reject",
    r"\bspam\w*|\bunsolicited|\bbulk (?:mail|e-?mail)|\bjunk\b|\bphish|\bspoof",
    r"\b(?:black|block|deny|reject)-?\s?list|\bblack-?hole|\brbl\b|\bdnsbl|\bspamhaus|\bspamcop|\bsorbs\b"
    r"|\bbarracuda(?:central| rep)",
    r"\bblock(?:ed|ing)\b",
    r"\bbanned\b",
    r"\breputation\b",
    r"\bpolicy\b|\bpolicies\b|\badministrative(?:ly)? prohib|\bprohibited\b|\bforbidden\b|\bviolat",
    r"\bspf\b|\bdkim\b|\bdmarc\b|\barc\b|\bauthenticat|\bunauthenticated|\bnot authori[sz]ed"
    r"|\bunauthori[sz]ed|\bauthori[sz]ation|\bauth(?:entication)? required",
    r"\brelay(?:ing)?\b(?: (?:is |access |mail |for |to this|attempt ))*[^.;]{0,25}?\b(?:den(?:y|ied)"
    r"|not (?:permitted|allowed|authori|possible|enabled|accepted)|prohibited|rejected|disallowed|disabled"
    r"|forbidden)",
    r"\b(?:unable|not allowed|not permitted|can ?not|can't|won't|do(?:es)? not|don't|cannot|refuse\w*"
    r"|not configured|no permission) (?:to )?(?:accept )?relay",
    r"\bwe do not relay|\brelay not permitted|\bno relay",
    r"\breverse (?:dns|lookup|hostname)|\bptr\b|\b(?:helo|ehlo)\b.{0,40}(?:reject|invalid|fail|not|bad)"
    r"|\bclient host\b|\byour (?:ip|host|server|network|domain|mail server)\b.{0,40}(?:reject|block|listed"
    r"|refus|den|\bnot\b|bann)",
    r"\bip (?:address )?.{0,30}(?:block|listed|reject|den|bann|reputation)|\blisted (?:at|in|on"
    r"|by)\b(?! (?:the )?(?:directory|public|domino))|\bcannot find your|\bfix reverse",
    r"\bcontent\b.{0,30}(?:reject|filter|den|block|refus|unaccept|violat|restrict|not)|\b(?:message|mail"
    r"|e-?mail|data) (?:was |is |has been )?(?:discarded|filtered)",
    r"\bvirus|\bmalware|\binfected|\battachment|\bexecutable|\bunacceptable|\boffensive|\bsuspicious"
    r"|\bunsafe|\bmalicious|\bsuspect",
    r"\b(?:message|mail|e-?mail|file|body|header)s?\b.{0,25}(?:too (?:big|large|long)|size|exceeds|exceed)"
    r"|\bsize (?:limit|exceed|larger)|\btoo (?:big|large)\b|\bmaximum (?:message|size|allowed)",
    r"\bmissing\b.{0,20}(?:header|message-id|date|from|subject)|\brfc ?-?[258]\d+|\bline (?:length|too long)"
    r"|\bsyntax error|\bbare lf|\b8-?bit\b|\bmalformed|\bnon-?compliant|\bprotocol (?:error|violation)",
    r"\b(?:only|restricted)\b.{0,30}(?:members|senders|internal|authorized|subscribers) |\bpermission\b"
    r"|\bnot (?:permitted|allowed) to (?:send|post|deliver)|\bdon't have permission|\brestricted\b|\bmoderat",
    r"\bchallenge|\bconfirm that you|\bwhitelist|\ballow ?list|\bsafe ?list|\bfilter(?:ed|ing)?\b",
    r"absender.{0,40}(?:abgelehnt|ungue?ltig|unbekannt|gesperrt|nicht)|abgewiesen|expediteur.{0,40}(?:rejet"
    r"|refus|inconnu|invalide)|remitente.{0,40}(?:rechaz|descono|no )|mittente.{0,40}(?:rifiut|sconosc|non )",
    r"(?:迷惑メール|スパム|送信者.{0,10}拒否|送信元.{0,10}(?:拒否|存在)|垃圾邮件|被拦截|发件人|スパムメール|спам|отправител|스팸|발신자)",
)
