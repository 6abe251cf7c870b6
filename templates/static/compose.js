// Lets the officer press wards on the map, draw a shape, and count without leaving. Everything works without it.
"use strict";

const form = document.getElementById("where");
const chart = document.getElementById("chart");
const boxes = new Map([...form.querySelectorAll('input[name="ward"]')].map((box) => [box.value, box]));
let counting = 0;
let corners = null;
let map = null;

function show() {
  for (const path of chart ? chart.querySelectorAll("[data-ward]") : []) {
    path.classList.toggle("chosen", boxes.get(path.dataset.ward)?.checked === true);
  }
}

async function count() {
  const asked = ++counting;
  const fields = new URLSearchParams(new FormData(form));
  fields.set("do", "count");
  try {
    const reply = await fetch(form.action, { method: "POST", body: fields, credentials: "same-origin" });
    if (asked !== counting || !(reply.ok || reply.status === 422)) return;
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    for (const id of ["reached"]) {
      const [now, then] = [document.querySelector(`#${id}`), fresh.querySelector(`#${id}`)];
      if (now && then) now.replaceChildren(...then.childNodes);
    }
    const frame = document.getElementById("map");
    if (frame) frame.dataset.outline = fresh.getElementById("map")?.dataset.outline ?? "";
    map?.refresh();
    sayPeople();
    const outline = fresh.querySelector(".outline");
    chart?.querySelector(".outline")?.remove();
    if (chart && outline) chart.append(document.importNode(outline, true));
  } catch {
    // offline for a moment: the button still counts
  }
}

function choosePlaces() {
  const places = form.querySelector('input[name="reach"][value="places"]');
  if (places) places.checked = true;
}

chart?.addEventListener("click", (event) => {
  if (corners) return place(event);
  pressWard(event.target.dataset?.ward);
});

function pressWard(code) {
  const box = boxes.get(code);
  if (!box) return;
  box.checked = !box.checked;
  choosePlaces();
  show();
  count();
}

let waiting = 0;
form.addEventListener("change", (event) => {
  if (["ward", "shape"].includes(event.target.name)) choosePlaces();
  show();
  window.clearTimeout(waiting);
  waiting = window.setTimeout(count, 300);
});

// drawing: the server turns the map's own units into places on the ground
const drawing = document.getElementById("drawing");
if (drawing && chart?.dataset.west) {
  drawing.hidden = false;
  document.getElementById("draw").addEventListener("click", () => {
    corners = [];
    chart.classList.add("drawing");
    chart.scrollIntoView({ block: "center" });
  });
  document.getElementById("close-shape").addEventListener("click", close);
}

function place(event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
  corners.push([at.x, at.y]);
  chart.querySelector(".sketch")?.remove();
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
  line.setAttribute("class", "sketch");
  chart.append(line);
}

function close() {
  if (!corners || corners.length < 3) return;
  const [west, north, scale] = ["west", "north", "scale"].map((name) => Number(chart.dataset[name]));
  const ground = corners.map(([x, y]) => [Math.round(west + x / scale), Math.round(north - y / scale)]);
  form.elements.shape.value = `OS ${[...ground, ground[0]].map((pair) => pair.join(" ")).join(", ")}`;
  chart.querySelector(".sketch")?.remove();
  chart.classList.remove("drawing");
  corners = null;
  choosePlaces();
  count();
}

show();

// the map of streets, which is fetched when it is asked for
const frame = document.getElementById("map");
if (frame) {
  startDrawing(frame, {
    fields: { shape: form.elements.shape, without: form.elements.without_shape },
    wards: boxes,
    chosen: pressWard,
    opened(shown) {
      map = shown;
      sayPeople();
      drawing?.remove(); // the sketch on the drawing of wards, which the map does better
    },
  });
}

// how many people it reaches stands below the map too, where the finger is
function sayPeople() {
  const people = frame?.querySelector("[data-map=people]");
  if (people) people.textContent = document.querySelector("#reached .lead")?.textContent ?? "";
}
