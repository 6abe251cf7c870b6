// Choosing where an alert goes on the map. What is drawn is written into the form's own fields, and nowhere else.
import { TerraDraw, TerraDrawModeUndoRedo, TerraDrawSessionUndoRedo } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { addWards, inks, moveTo, openMap, showShape } from "./base.js";
import { finishButton } from "./finish.js";
import { inWords } from "./measure.js";
import { modes, snapTo } from "./modes.js";
import { startSearch } from "./search.js";
import { boundsOf, canEdit, featureOf, polygonsOf, textOf } from "./shapes.js";
import { startTools } from "./tools.js";

export { canDraw } from "./base.js";

// `fields.shape` and `fields.without` are where the shapes stand as GeoJSON; `wards` are the form's own boxes by code.
export async function open(frame, { fields, wards, chosen }) {
  const canvas = frame.querySelector("[data-map=canvas]");
  const map = await openMap(frame, canvas);
  startSearch(map, frame, frame);
  const shown = frame.dataset.wards
    ? await addWards(map, frame.dataset.wards, (code) => wards.get(code)?.checked === true)
    : { wards: { features: [] }, show() {} };
  const drawing = new Drawing(frame, map, fields, shown);
  drawing.begin();
  map.on("click", "ward-fill", ({ features: [ward] }) => {
    if (drawing.tool !== "look") return;
    chosen(ward.properties.code);
    shown.show();
  });
  frame.dataset.ready = "yes";
  frame.drawing = drawing; // where a test finds it
  return { map, refresh: () => drawing.refresh(shown) };
}

class Drawing {
  constructor(frame, map, fields, shown) {
    this.frame = frame;
    this.map = map;
    this.fields = fields;
    this.out = new Set(); // shapes that are left out, by their number in terra-draw
    this.drawnAs = new Map();
    this.fixed = { shape: [], without: [] }; // too detailed to be changed corner by corner
    this.tool = "look";
    this.leavesOut = false;
    this.snaps = false;
    this.selected = undefined;
    const isOut = (feature) =>
      this.out.has(feature.properties.selectionPointFeatureId ?? feature.id) ||
      (Boolean(feature.properties.currentlyDrawing) && this.leavesOut);
    this.draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 9 }),
      modes: modes(isOut, snapTo(shown.wards, map, () => this.snaps)),
      undoRedo: { modeLevel: new TerraDrawModeUndoRedo(), sessionLevel: new TerraDrawSessionUndoRedo() },
    });
  }

  begin() {
    this.draw.start();
    this.read();
    this.tools = startTools(this.frame, this);
    this.finish = finishButton(this.frame, this.map, this.draw, (message) => this.tools.say(message));
    this.choose("look");
    let waiting = 0;
    this.draw.on("change", () => {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(() => this.write(), 120);
    });
    this.draw.on("finish", (id, { action }) => {
      if (action === "draw" && this.leavesOut) this.out.add(id);
      this.leavesOut = false; // each piece that is left out is asked for
      if (action === "draw") this.tools.finished();
    });
    this.draw.on("select", (id) => this.select(id));
    this.draw.on("deselect", () => this.select(undefined));
    this.draw.on("history", () => this.tools.show());
  }

  // What the fields hold: shapes whose corners can be moved, and others that are only shown.
  read() {
    for (const [name, field] of Object.entries(this.fields)) {
      const found = polygonsOf(field.value);
      this.unread = this.unread || found === null;
      const ours = (found ?? []).filter(canEdit);
      this.fixed[name] = (found ?? []).filter((rings) => !canEdit(rings));
      const added = this.draw.addFeatures(ours.map(featureOf));
      added.forEach(({ id, valid }, at) => {
        if (!valid) this.fixed[name].push(ours[at]);
        else if (name === "without") this.out.add(id);
      });
    }
    this.draw.clearUndoRedoHistory();
    const fixed = { type: "MultiPolygon", coordinates: [...this.fixed.shape, ...this.fixed.without] };
    if (fixed.coordinates.length) showShape(this.map, "kept", fixed, { fill: inks().in, line: inks().in });
    const all = [...fixed.coordinates, ...this.shapes().map(({ geometry }) => geometry.coordinates)];
    if (all.length) moveTo(this.map, boundsOf(all));
  }

  // In the order in which they were drawn, also after undo has put one back.
  shapes() {
    const found = this.draw
      .getSnapshot()
      .filter(({ geometry, properties }) => geometry.type === "Polygon" && !properties.currentlyDrawing);
    for (const { id } of found) if (!this.drawnAs.has(id)) this.drawnAs.set(id, this.drawnAs.size);
    return found.sort((one, other) => this.drawnAs.get(one.id) - this.drawnAs.get(other.id));
  }

  write() {
    const shapes = this.shapes();
    const rings = (isOut) => shapes.filter(({ id }) => this.out.has(id) === isOut).map(({ geometry }) => geometry.coordinates);
    this.put("shape", [...this.fixed.shape, ...rings(false)]);
    this.put("without", [...this.fixed.without, ...rings(true)]);
    this.tools.list(shapes);
    this.tools.show();
    this.measure(shapes);
    this.finish.show();
  }

  put(name, polygons) {
    const field = this.fields[name];
    if (!field) return; // a zone is one outline, of which nothing is left out
    const text = textOf(polygons);
    // an equal shape stays as it was written, and what we cannot read stays until something is drawn
    if (text === textOf(polygonsOf(field.value) ?? []) || (this.unread && !text)) return;
    field.value = text;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  measure(shapes) {
    const now = this.draw.getSnapshot().find(({ properties }) => properties.currentlyDrawing);
    const about = now ?? shapes.find(({ id }) => id === this.selected);
    if (about?.geometry.type === "Polygon" && about.geometry.coordinates[0].length > 3) {
      this.tools.measured(inWords(about.geometry.coordinates));
    } else {
      this.tools.measured("");
    }
  }

  choose(tool) {
    this.tool = tool;
    this.draw.setMode(tool);
    this.map.getCanvas().style.cursor = tool === "look" ? "" : "crosshair";
    this.tools.show();
    this.finish.show();
  }

  select(id) {
    this.selected = id;
    this.measure(this.shapes());
    this.tools.show();
  }

  edit(id) {
    this.choose("select");
    this.draw.selectFeature(id);
    this.frame.querySelector("[data-map=canvas]").scrollIntoView({ block: "center" });
    const { geometry } = this.draw.getSnapshotFeature(id);
    moveTo(this.map, boundsOf([geometry.coordinates]));
  }

  remove(id) {
    if (id === this.selected) this.draw.deselectFeature(id);
    this.draw.removeFeatures([id]);
  }

  turn(id) {
    if (!this.out.delete(id)) this.out.add(id);
    this.draw.updateFeatureProperties(id, { turned: this.out.has(id) }); // draws it in its new colour
    this.write();
  }

  undo() {
    this.draw.undo();
  }

  redo() {
    this.draw.redo();
  }

  // The form counted again: its wards, and the outline with its margin.
  refresh(shown) {
    shown.show();
    const outline = this.frame.dataset.outline;
    const data = outline ? JSON.parse(outline) : { type: "FeatureCollection", features: [] };
    showShape(this.map, "outline", data, { line: inks().out, dash: [3, 2], width: 2 });
  }
}
