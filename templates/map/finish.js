// "Finish shape" beside the corner that was placed last, where the finger is.
const LEAST_CORNERS = 3;
const AWAY = 18; // pixels
const CROSSES = "The outline crosses itself. Undo the last corner, or draw it again.";

export function finishButton(frame, map, draw, say) {
  const button = frame.querySelector("[data-map=finish]");
  const place = button.parentElement;
  let last = null;

  const drawn = () => draw.getSnapshot().find(({ properties }) => properties.currentlyDrawing);

  function show() {
    const now = draw.getMode() === "polygon" ? drawn() : undefined;
    const corners = now?.properties.committedCoordinateCount ?? (now?.geometry.coordinates[0].length ?? 0) - 2;
    button.hidden = !(now && last && corners >= LEAST_CORNERS);
    if (button.hidden) return;
    const { x, y } = map.project(last);
    const [most, lowest] = [place.clientWidth - button.offsetWidth - 4, place.clientHeight - button.offsetHeight - 4];
    button.style.left = `${Math.max(4, Math.min(x + AWAY, most))}px`;
    button.style.top = `${Math.max(4, Math.min(y + AWAY, lowest))}px`;
  }

  map.getCanvas().addEventListener("pointerup", (event) => {
    const { left, top } = map.getCanvas().getBoundingClientRect();
    last = map.unproject([event.clientX - left, event.clientY - top]);
  });
  map.on("move", show);
  button.addEventListener("click", () => {
    const press = (type) => map.getCanvas().dispatchEvent(new KeyboardEvent(type, { key: "Enter", bubbles: true }));
    press("keydown");
    press("keyup");
    if (drawn()) say(CROSSES);
    show();
    map.getCanvas().focus({ preventScroll: true });
  });
  return { show };
}
