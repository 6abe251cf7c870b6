// "Find a place" and "My location" beside a map.
import { moveTo, showPoint, showShape, inks } from "./base.js";

export function startSearch(map, box, frame) {
  const field = box.querySelector("[data-map=search]");
  const list = box.querySelector("[data-map=found]");
  const status = box.querySelector("[data-map=status]");
  let asked = 0;
  let waiting = 0;

  async function find() {
    const mine = ++asked;
    const query = field.value.trim();
    if (query.length < 2) return list.replaceChildren();
    try {
      const reply = await fetch(`${frame.dataset.search}?q=${encodeURIComponent(query)}`, { credentials: "same-origin" });
      if (mine !== asked) return;
      show(reply.ok ? (await reply.json()).places : []);
    } catch {
      status.textContent = "The search did not answer. Try again.";
    }
  }

  function show(places) {
    status.textContent = places.length ? `${places.length} found` : "Nothing found. Check the spelling.";
    list.replaceChildren(...places.map(entry));
  }

  function entry(place) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    const name = document.createElement("strong");
    name.textContent = place.name;
    button.append(name, ` ${[place.kind, place.where].filter(Boolean).join(", ")}`);
    button.addEventListener("click", () => go(place));
    item.append(button);
    return item;
  }

  function go(place) {
    window.clearTimeout(waiting); // what is still on its way must not open the list again over the tools
    asked += 1;
    list.replaceChildren();
    status.textContent = `The map shows ${place.name}.`;
    field.value = place.name;
    moveTo(map, place.bounds);
    showPoint(map, "found", place.point);
    map.getCanvas().focus({ preventScroll: true });
  }

  field.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(find, 250);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault(); // the form around it is not what is meant
      list.querySelector("button") ? list.querySelector("button").click() : find();
    } else if (event.key === "Escape") {
      list.replaceChildren();
    }
  });

  box.querySelector("[data-map=here]").addEventListener("click", () => {
    status.textContent = "Looking for your location";
    navigator.geolocation.getCurrentPosition(
      ({ coords: { longitude, latitude, accuracy } }) => {
        const [up, across] = [accuracy / 111_320, accuracy / (111_320 * Math.cos((latitude * Math.PI) / 180))];
        const bounds = [longitude - across, latitude - up, longitude + across, latitude + up];
        const [west, south, east, north] = bounds;
        const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
        showShape(map, "here", { type: "Polygon", coordinates: [ring] }, { line: inks().in, width: 2 });
        showPoint(map, "here-middle", [longitude, latitude]);
        moveTo(map, bounds);
        status.textContent = `You are here, to within ${Math.round(accuracy)} metres.`;
      },
      () => (status.textContent = "Your browser did not give a location. Search for a place instead."),
      { enableHighAccuracy: true, timeout: 15_000 },
    );
  });
}
