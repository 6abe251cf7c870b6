// Opens the map on which an area is drawn, and closes it. Its script is fetched when it is asked for.
"use strict";

// `wanted` is what the script's `open` takes, with `opened`, which is given the map.
function startDrawing(frame, wanted) {
  const button = frame.querySelector("[data-map=open]");
  const box = frame.querySelector("[data-map=box]");
  const key = `map ${window.location.pathname}`; // a page that comes back with an error shows the map again
  let isThere = false;

  function showState(isOpen) {
    if (isOpen) window.sessionStorage.setItem(key, "yes");
    else window.sessionStorage.removeItem(key);
    button.textContent = isOpen ? "Close the map" : "Open the map";
    button.setAttribute("aria-expanded", String(isOpen));
    button.classList.toggle("govuk-button--secondary", isOpen);
  }

  async function open() {
    button.disabled = true;
    try {
      const script = await import(frame.dataset.script);
      if (!script.canDraw()) throw new Error("This browser has no WebGL.");
      box.hidden = false;
      wanted.opened(await script.open(frame, wanted));
      isThere = true;
      showState(true);
    } catch (error) {
      console.error(error);
      box.hidden = true;
      frame.querySelector("[data-map=unable]").hidden = false;
    }
    button.disabled = false;
  }

  function turn() {
    box.hidden = !box.hidden;
    showState(!box.hidden);
  }

  frame.hidden = false;
  button.addEventListener("click", () => (isThere ? turn() : open()));
  // what is typed into the search is no place yet
  frame.addEventListener("change", (event) => event.stopPropagation());
  if (window.sessionStorage.getItem(key)) open();
}
