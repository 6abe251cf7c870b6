// A map to look at: the area of an alert on the council's base map.
import { addWards, inks, openMap, moveTo, showShape } from "./base.js";
import { boundsOf, polygonsOf } from "./shapes.js";

export { canDraw } from "./base.js";

export async function open(frame) {
  const map = await openMap(frame, frame.querySelector("[data-map=canvas]"));
  const area = frame.dataset.area ? await (await fetch(frame.dataset.area, { credentials: "same-origin" })).json() : null;
  if (frame.dataset.wards) await addWards(map, frame.dataset.wards, () => false);
  if (area) {
    showShape(map, "outline", area, { fill: inks().in, line: inks().in });
    const found = polygonsOf(JSON.stringify(area));
    if (found?.length) moveTo(map, boundsOf(found));
  }
  frame.dataset.ready = "yes";
  return map;
}
