// Puts the current alerts into a council's own page: <script src="…/static/widget.js" data-council="…" async></script>
const script = document.currentScript;
const address = new URL("/widget", script.src);
for (const name of ["council", "topic", "ward", "lang"]) {
  if (script.dataset[name]) address.searchParams.set(name, script.dataset[name]);
}
const frame = document.createElement("iframe");
frame.src = address;
frame.title = script.dataset.title || "Council alerts";
frame.width = "100%";
frame.height = script.dataset.height || "320";
frame.referrerPolicy = "no-referrer";
const inHead = script.closest("head");
const show = () => (inHead ? document.body.append(frame) : script.after(frame));
if (inHead && !document.body) { addEventListener("DOMContentLoaded", show); } else { show(); }
