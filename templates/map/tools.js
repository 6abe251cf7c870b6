// The buttons round the map, and the list that says in words what is drawn.
import { inWords } from "./measure.js";

const HELP = {
  look: "Move the map. Select a ward to choose it.",
  move: "Move the map, or choose how to draw.",
  select: "Select a shape. Drag it, or drag its corners.",
  polygon: "Select each corner on the map, then “Finish shape”.",
  rectangle: "Drag from one corner to the opposite one.",
  circle: "Drag from the middle to the edge.",
  freehand: "Draw round the area with your finger or mouse.",
};

function labelled(text, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", action);
  return button;
}

export function startTools(frame, drawing) {
  const all = (name) => [...frame.querySelectorAll(`[data-map="${name}"]`)];
  const one = (name) => all(name)[0];
  const tools = [...frame.querySelectorAll("[data-tool]")];
  const [said, measured, shapes] = [one("said"), one("measured"), one("shapes")];

  for (const button of tools) button.addEventListener("click", () => drawing.choose(button.dataset.tool));
  one("undo").addEventListener("click", () => drawing.undo());
  one("redo").addEventListener("click", () => drawing.redo());
  one("delete").addEventListener("click", () => drawing.remove(drawing.selected));
  one("zoom-in").addEventListener("click", () => drawing.map.zoomIn());
  one("zoom-out").addEventListener("click", () => drawing.map.zoomOut());
  one("leave-out")?.addEventListener("click", () => {
    drawing.leavesOut = !drawing.leavesOut;
    if (drawing.tool === "look" || drawing.tool === "select") drawing.choose("polygon");
    show();
  });
  one("snap").addEventListener("click", () => {
    drawing.snaps = !drawing.snaps;
    show();
  });
  const fill = (isWhole) => {
    one("box").classList.toggle("whole", isWhole);
    one("whole").setAttribute("aria-pressed", String(isWhole));
    drawing.map.resize();
  };
  one("whole").addEventListener("click", () => fill(!one("box").classList.contains("whole")));
  frame.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && drawing.draw.getModeState() !== "drawing") fill(false); // else it ends the drawing
  });

  function show() {
    for (const button of tools) button.setAttribute("aria-pressed", String(button.dataset.tool === drawing.tool));
    one("leave-out")?.setAttribute("aria-pressed", String(drawing.leavesOut));
    one("snap").setAttribute("aria-pressed", String(drawing.snaps));
    one("undo").disabled = !drawing.draw.canUndo();
    one("redo").disabled = !drawing.draw.canRedo();
    one("delete").disabled = drawing.selected === undefined;
    say(HELP[drawing.tool === "look" && !drawing.fields.without ? "move" : drawing.tool]);
  }

  const say = (words) => {
    if (said.textContent !== words) said.textContent = words;
  };

  function list(drawn) {
    const rows = drawn.map(({ id, geometry }, at) => {
      const [row, words] = [document.createElement("li"), document.createElement("span")];
      const isOut = drawing.out.has(id);
      const name = `${isOut ? "Left out" : "Area"} ${at + 1}`;
      words.textContent = `${name}: ${inWords(geometry.coordinates)}`;
      const buttons = [
        labelled("Edit", () => drawing.edit(id)),
        ...(drawing.fields.without ? [labelled(isOut ? "Include" : "Leave out", () => drawing.turn(id))] : []),
        labelled("Delete", () => drawing.remove(id)),
      ];
      for (const button of buttons) button.setAttribute("aria-label", `${button.textContent} ${name.toLowerCase()}`);
      row.append(words, ...buttons);
      return row;
    });
    shapes.replaceChildren(...rows);
  }

  list(drawing.shapes());
  return {
    show,
    say,
    list,
    measured: (words) => (measured.textContent = words),
    finished: () => window.setTimeout(() => drawing.choose("look")), // not while terra-draw is still closing the shape
  };
}
