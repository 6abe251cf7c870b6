// Renews an alert's figures in place, without moving the reader. Without JavaScript the link on the page does it.
"use strict";

const READ_AGAIN_MS = 2000;

async function renew() {
  const shown = document.getElementById("progress");
  if (!shown || !shown.hasAttribute("data-under-way")) return;
  // whoever scrolls a table with the keyboard keeps their place
  if (!document.hidden && !shown.contains(document.activeElement)) {
    try {
      const reply = await fetch(window.location.href, { credentials: "same-origin" });
      if (reply.ok) {
        const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("progress");
        if (fresh) shown.replaceWith(fresh);
      }
    } catch {
      // offline for a moment: the next look may work
    }
  }
  window.setTimeout(renew, READ_AGAIN_MS);
}

window.setTimeout(renew, READ_AGAIN_MS);
