// Between what is drawn and what the form's fields hold: GeoJSON, longitude first, six decimals (about 0.1 metres).
const MOST_CORNERS = 400; // of a shape whose corners can still be moved one by one

const rounded = (rings) => rings.map((ring) => ring.map(([lon, lat]) => [+lon.toFixed(6), +lat.toFixed(6)]));

// The rings of every polygon in a text; null where it is no shape in degrees that we can read.
export function polygonsOf(text) {
  if (!text.trim()) return [];
  try {
    return collected(JSON.parse(text));
  } catch {
    return null;
  }
}

function collected(shape) {
  if (shape.crs) return null; // eastings and northings: the server reads them
  if (shape.type === "Feature") return collected(shape.geometry);
  const parts = { FeatureCollection: shape.features, GeometryCollection: shape.geometries }[shape.type];
  if (parts) {
    const found = parts.map(collected);
    return found.includes(null) ? null : found.flat();
  }
  if (shape.type === "Polygon") return [shape.coordinates];
  return shape.type === "MultiPolygon" ? shape.coordinates : null;
}

export function textOf(polygons) {
  if (!polygons.length) return "";
  const all = polygons.map(rounded);
  const shape =
    all.length === 1 ? { type: "Polygon", coordinates: all[0] } : { type: "MultiPolygon", coordinates: all };
  return JSON.stringify(shape);
}

export function canEdit(rings) {
  return rings.length === 1 && rings[0].length <= MOST_CORNERS;
}

export function featureOf(rings) {
  return {
    type: "Feature",
    properties: { mode: "polygon" },
    geometry: { type: "Polygon", coordinates: rounded(rings) },
  };
}

export function boundsOf(polygons) {
  const points = polygons.flat(2);
  const [lons, lats] = [points.map(([lon]) => lon), points.map(([, lat]) => lat)];
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}
