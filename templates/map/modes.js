// The tools of terra-draw as this page uses them: large enough for a thumb, and in the colours of the reader's look.
import {
  TerraDrawCircleMode,
  TerraDrawFreehandMode,
  TerraDrawPolygonMode,
  TerraDrawRectangleMode,
  TerraDrawRenderMode,
  TerraDrawSelectMode,
  ValidateNotSelfIntersecting,
} from "terra-draw";
import { inks } from "./base.js";

const THUMB = 30; // pixels round a corner that count as on it
const SNAP = 14;

// crossing itself is refused at the end only: half-drawn lines cross all the time
const simple = (feature, { updateType }) =>
  updateType === "finish" ? ValidateNotSelfIntersecting(feature) : { valid: true };

function nearestOn([a, b], point, project) {
  const [from, to, at] = [project(...a), project(...b), point];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy || 1;
  const share = Math.max(0, Math.min(1, ((at.x - from.x) * dx + (at.y - from.y) * dy) / length));
  const away = Math.hypot(from.x + share * dx - at.x, from.y + share * dy - at.y);
  return { away, position: [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])] };
}

// The nearest point on a ward's edge, if one is within reach of the finger.
export function snapTo(wards, map, isOn) {
  const edges = wards.features.flatMap(({ geometry }) =>
    (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates)
      .flat()
      .flatMap((ring) => ring.slice(1).map((point, at) => [ring[at], point])),
  );
  const project = (lon, lat) => map.project([lon, lat]);
  return (event) => {
    if (!isOn()) return undefined;
    const point = project(event.lng, event.lat);
    const best = edges
      .map((edge) => nearestOn(edge, point, project))
      .reduce((one, other) => (other.away < one.away ? other : one), { away: SNAP });
    return best.position?.map((degrees) => +degrees.toFixed(9));
  };
}

export function modes(isOut, toCustom) {
  const ink = (feature) => (isOut(feature) ? inks().out : inks().in);
  const styles = { fillColor: ink, fillOpacity: 0.25, outlineColor: ink, outlineWidth: 3 };
  const corners = {
    closingPointWidth: 9,
    closingPointColor: () => inks().halo,
    closingPointOutlineColor: ink,
    closingPointOutlineWidth: 3,
    coordinatePointWidth: 6,
    coordinatePointColor: ink,
  };
  const snapping = { toCustom };
  const edit = {
    feature: {
      draggable: true,
      coordinates: { draggable: true, deletable: true, midpoints: { draggable: true }, snappable: snapping },
    },
  };
  return [
    new TerraDrawPolygonMode({
      pointerDistance: THUMB,
      snapping,
      showCoordinatePoints: true,
      validation: simple,
      styles: { ...styles, ...corners },
    }),
    new TerraDrawRectangleMode({ drawInteraction: "click-move-or-drag", styles }),
    new TerraDrawCircleMode({ drawInteraction: "click-move-or-drag", styles }),
    new TerraDrawFreehandMode({
      drawInteraction: "click-move-or-drag",
      minDistance: 12,
      validation: simple,
      styles: { ...styles, closingPointWidth: 9 },
    }),
    new TerraDrawSelectMode({
      pointerDistance: THUMB,
      flags: { polygon: edit, freehand: edit, rectangle: edit, circle: edit },
      styles: {
        selectedPolygonColor: ink,
        selectedPolygonFillOpacity: 0.35,
        selectedPolygonOutlineColor: ink,
        selectedPolygonOutlineWidth: 4,
        selectionPointWidth: 10,
        selectionPointColor: () => inks().halo,
        selectionPointOutlineColor: () => inks().in,
        selectionPointOutlineWidth: 3,
        midPointWidth: 7,
        midPointColor: () => inks().in,
        midPointOutlineColor: () => inks().halo,
        midPointOutlineWidth: 2,
      },
    }),
    new TerraDrawRenderMode({ modeName: "look", styles: {} }),
  ];
}
