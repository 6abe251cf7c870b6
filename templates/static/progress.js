// Renews an alert's figures in place, without moving the reader: as the server sends them, else by asking for them.
// Without JavaScript the link on the page does it.
"use strict";

const READ_AGAIN_MS = 2000;

function shown() {
  return document.getElementById("progress");
}

function isWatched() {
  return shown() !== null && shown().hasAttribute("data-watched");
}

function show(html) {
  const before = shown();
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("progress");
  // whoever scrolls a table with the keyboard keeps their place
  if (before && fresh && !before.contains(document.activeElement)) before.replaceWith(fresh);
  if (fresh) renewActions(fresh.dataset.state);
}

// who has signed out meanwhile, or was away too long, must not take old figures for new ones
function stale() {
  const said = document.getElementById("stale");
  if (said) said.hidden = false;
}

// what can be done with the alert, and how its words are spoken of, changes with its state
async function renewActions(state) {
  const actions = document.getElementById("actions");
  if (!actions || actions.dataset.state === state || actions.contains(document.activeElement)) return;
  actions.dataset.state = state; // asked for once
  try {
    const reply = await fetch(window.location.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!reply.ok) return;
    for (const name of ["actions", "words"]) {
      const [before, fresh] = [document.getElementById(name), page.getElementById(name)];
      if (before && fresh) before.replaceWith(fresh);
    }
  } catch {
    // offline for a moment: reloading the page shows them
  }
}

async function ask() {
  if (!isWatched()) return;
  if (!document.hidden) {
    try {
      const reply = await fetch(window.location.href, { credentials: "same-origin" });
      if (reply.status === 401 || reply.status === 403) return stale();
      if (reply.ok) show(await reply.text());
    } catch {
      // offline for a moment: the next look may work
    }
  }
  window.setTimeout(ask, READ_AGAIN_MS);
}

function listen() {
  if (!isWatched()) return;
  const stream = new EventSource(shown().getAttribute("data-watched"));
  let waiting = null; // news that came while the reader was in a table
  const settle = () => { if (waiting !== null) show(waiting); };
  stream.addEventListener("figures", (news) => { waiting = news.data; settle(); });
  stream.addEventListener("end", (last) => {
    stream.close();
    document.addEventListener("focusout", () => window.setTimeout(settle));
    if (last.data !== "over") stale();
  });
  // a stream that was cut opens again; one that was refused does not
  stream.addEventListener("error", () => { if (stream.readyState === EventSource.CLOSED) ask(); });
}

if (typeof EventSource === "function") listen();
else window.setTimeout(ask, READ_AGAIN_MS);
