// The map itself: the council's own base map, its wards, and the look that the reader asked their system for.
import { AttributionControl, Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";

const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const CONTRAST = window.matchMedia("(prefers-contrast: more)");
const FORCED = window.matchMedia("(forced-colors: active)");
const OWN = /^(ward|outline|found|here|kept|td-)/; // layers and sources that are not the base map's

export const INKS = {
  light: { ward: "#505a5f", name: "#0b0c0c", halo: "#ffffff", chosen: "#1d70b8", in: "#1d4f91", out: "#942514" },
  dark: { ward: "#b1b4b6", name: "#ffffff", halo: "#10161a", chosen: "#5694ca", in: "#8ab8e6", out: "#f8a091" },
  contrast: { ward: "#000000", name: "#000000", halo: "#ffffff", chosen: "#003078", in: "#003078", out: "#8a0000" },
};

export function look() {
  if (CONTRAST.matches || FORCED.matches) return "contrast";
  return DARK.matches ? "dark" : "light";
}

export function inks() {
  return INKS[look()];
}

// Can this browser draw it at all?
export function canDraw() {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}

function address(frame) {
  return new URL(frame.dataset.looks.replace("LOOK", look()), document.baseURI).href;
}

function carriedOver(before, next) {
  if (!before) return next;
  const sources = Object.fromEntries(Object.entries(before.sources).filter(([name]) => OWN.test(name)));
  const layers = before.layers.filter((layer) => OWN.test(layer.id));
  return { ...next, sources: { ...next.sources, ...sources }, layers: [...next.layers, ...layers] };
}

// `frame` says in its data where everything is; resolves when the first picture can be used.
export async function openMap(frame, canvas) {
  setWorkerUrl(new URL(frame.dataset.worker, document.baseURI).href);
  const [west, south, east, north] = frame.dataset.bounds.split(",").map(Number);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = new MapLibre({
    container: canvas,
    style: address(frame),
    bounds: [[west, south], [east, north]],
    fitBoundsOptions: { padding: 16 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxZoom: 19,
    fadeDuration: still ? 0 : 200,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new AttributionControl({ compact: false }), "bottom-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
  const named = map.getCanvas();
  named.setAttribute("aria-label", frame.dataset.label);
  named.setAttribute("role", "application");
  for (const query of [DARK, CONTRAST, FORCED]) {
    query.addEventListener("change", () => map.setStyle(address(frame), { transformStyle: carriedOver }));
  }
  // not `load`: that waits for every tile, and a street is of use before the last building is there
  await new Promise((done, failed) => {
    map.once("style.load", done);
    map.once("error", ({ error }) => failed(error));
  });
  return map;
}

export function moveTo(map, bounds, most = 16) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [west, south, east, north] = bounds;
  map.fitBounds([[west, south], [east, north]], { padding: 40, maxZoom: most, animate: !still });
}

export async function addWards(map, address, isChosen) {
  const ink = inks();
  const wards = await (await fetch(address, { credentials: "same-origin" })).json();
  map.addSource("wards", { type: "geojson", data: wards, promoteId: "code", tolerance: 0.2 });
  map.addLayer({
    id: "ward-fill",
    type: "fill",
    source: "wards",
    paint: {
      "fill-color": ink.chosen,
      "fill-opacity": ["case", ["boolean", ["feature-state", "chosen"], false], 0.35, 0],
    },
  });
  map.addLayer({
    id: "ward-line",
    type: "line",
    source: "wards",
    paint: { "line-color": ink.ward, "line-width": 1.5, "line-dasharray": [4, 2] },
  });
  map.addLayer({
    id: "ward-name",
    type: "symbol",
    source: "wards",
    maxzoom: 14,
    layout: { "text-field": ["get", "name"], "text-font": ["Arial Bold"], "text-size": 13, "text-max-width": 6 },
    paint: { "text-color": ink.name, "text-halo-color": ink.halo, "text-halo-width": 2 },
  });
  const show = () => {
    for (const { properties } of wards.features) {
      map.setFeatureState({ source: "wards", id: properties.code }, { chosen: isChosen(properties.code) });
    }
  };
  show();
  return { wards, show };
}

// A shape that is looked at and not changed: the outline with its margin, what was pasted, or a place found.
export function showShape(map, name, data, paint) {
  const source = map.getSource(name);
  if (source) return source.setData(data);
  map.addSource(name, { type: "geojson", data });
  if (paint.fill) {
    map.addLayer({ id: `${name}-fill`, type: "fill", source: name, paint: { "fill-color": paint.fill, "fill-opacity": 0.3 } });
  }
  const line = { "line-color": paint.line, "line-width": paint.width ?? 3 };
  if (paint.dash) line["line-dasharray"] = paint.dash;
  map.addLayer({ id: `${name}-line`, type: "line", source: name, paint: line });
}

export function showPoint(map, name, [lon, lat]) {
  const data = { type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, lat] } };
  const source = map.getSource(name);
  if (source) return source.setData(data);
  const ink = inks();
  map.addSource(name, { type: "geojson", data });
  map.addLayer({
    id: `${name}-point`,
    type: "circle",
    source: name,
    paint: { "circle-radius": 9, "circle-color": ink.out, "circle-stroke-color": ink.halo, "circle-stroke-width": 3 },
  });
}
