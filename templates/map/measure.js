// Metres and hectares of rings in degrees, on a sphere: good to half a per cent, which is what a label can show.
const RADIUS_M = 6_371_008.8;
const rad = (degrees) => (degrees * Math.PI) / 180;

export function metres([lon, lat], [otherLon, otherLat]) {
  const [a, b] = [rad(lat), rad(otherLat)];
  const h = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(rad(otherLon - lon) / 2) ** 2;
  return 2 * RADIUS_M * Math.asin(Math.sqrt(h));
}

export function around(ring) {
  return ring.slice(1).reduce((sum, point, at) => sum + metres(ring[at], point), 0);
}

export function hectares(rings) {
  const one = (ring) => {
    let sum = 0;
    for (let at = 0; at < ring.length - 1; at += 1) {
      const [lon, lat] = ring[at];
      const [next, nextLat] = ring[at + 1];
      sum += rad(next - lon) * (2 + Math.sin(rad(lat)) + Math.sin(rad(nextLat)));
    }
    return Math.abs((sum * RADIUS_M ** 2) / 2) / 10_000;
  };
  return rings.slice(1).reduce((area, hole) => area - one(hole), one(rings[0]));
}

const number = (value, digits = 0) =>
  value.toLocaleString("en-GB", { maximumFractionDigits: digits, minimumFractionDigits: digits });

export function inWords(rings) {
  const [area, edge] = [hectares(rings), around(rings[0])];
  const distance = edge < 10_000 ? `${number(edge)} metres` : `${number(edge / 1000, 1)} kilometres`;
  return `${number(area, area < 100 ? 1 : 0)} hectares, ${distance} around`;
}
