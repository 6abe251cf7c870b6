// Shows the look again while a field is being filled in. The button does the same without it.
"use strict";

const preview = document.getElementById("show-preview");
let waiting = 0;

preview?.form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => preview.form.requestSubmit(preview), 600);
});
