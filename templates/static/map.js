// Opens a map to look at when it is asked for; until then nothing of it is fetched.
"use strict";

for (const frame of document.querySelectorAll("[data-map=view]")) {
  const [button, box] = ["open", "box"].map((name) => frame.querySelector(`[data-map=${name}]`));
  frame.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const script = await import(frame.dataset.script);
      if (!script.canDraw()) throw new Error("This browser has no WebGL.");
      box.hidden = false;
      const map = await script.open(frame);
      button.setAttribute("aria-expanded", "true");
      button.hidden = true;
      map.getCanvas().focus({ preventScroll: true });
    } catch (error) {
      console.error(error);
      frame.hidden = true; // the drawing and the list beside it say the same
    }
  });
}
