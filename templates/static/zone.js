// The outline of a zone, drawn on the map and written into the form's own field.
"use strict";

startDrawing(document.getElementById("map"), {
  fields: { shape: document.getElementById("shape") },
  wards: new Map(),
  chosen() {},
  opened() {},
});
