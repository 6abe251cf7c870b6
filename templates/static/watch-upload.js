// Renews the progress of an upload in place, and goes on to its result. Without JavaScript the link on the page does it.
"use strict";

const READ_AGAIN_MS = 2000;

async function renew() {
  const shown = document.getElementById("upload");
  if (!shown || !shown.hasAttribute("data-watched")) return;
  try {
    const reply = await fetch(window.location.href, { credentials: "same-origin" });
    if (reply.redirected) return window.location.assign(reply.url);
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("upload");
    if (fresh && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
  } catch {
    // offline for a moment: the next look shows it
  }
  setTimeout(renew, READ_AGAIN_MS);
}

setTimeout(renew, READ_AGAIN_MS);
