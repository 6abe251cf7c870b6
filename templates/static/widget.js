// Puts the current alerts into a council's own page: <script src="…/static/widget.js" data-council="…" async></script>
// With data-show="bins": the question for a postcode that leads to bin collection days.
const script = document.currentScript;
const address = new URL(script.dataset.show === "bins" ? "/bins/widget" : "/widget", script.src);
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
