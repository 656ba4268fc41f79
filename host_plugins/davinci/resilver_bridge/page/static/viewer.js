// The middle: a preview's frames before and after, with a wipe to drag, and what each stage changed.

import { h } from "./dom.js";
import { percent } from "./words.js";

const GAP = 8; // black columns between before and after in the server's pictures
const view = { run: "", index: 0, mode: "wipe", wipe: 0.5, whole: true };
const loaded = new Map();

/** The newest preview that has pictures. */
const previewOf = (runs) =>
  runs.find((run) => run.kind === "preview" && run.phase === "previewed" && run.pictures.length);

export function viewerPanel({ runs }) {
  const run = previewOf(runs);
  const working = runs.find(
    (each) => each.kind === "preview" && ["preparing", "installing", "running", "cancelling"].includes(each.phase),
  );
  if (!run)
    return h(
      "section.viewer",
      { "aria-label": "Preview" },
      h(
        "p.hint.empty",
        {},
        working ? `Preview: ${percent(working.fraction)}` : "Preview some frames to compare before and after.",
      ),
    );
  if (view.run !== run.id + run.job) Object.assign(view, { run: run.id + run.job, index: 0, mode: "wipe" });
  const picture = run.pictures[view.index];
  if (!["wipe", "before", "after"].includes(view.mode) && !picture.maps.includes(view.mode)) view.mode = "wipe";
  return h("section.viewer", { "aria-label": "Preview" }, toolbar(run, picture), stage(run, picture), strip(run));
}

function toolbar(run, picture) {
  const mode = (name, text, title) =>
    h("button", { "aria-pressed": String(view.mode === name), title, data: { do: "mode", mode: name } }, text);
  return h(
    "header",
    {},
    h(
      "span.modes",
      { role: "group", "aria-label": "What is shown" },
      mode("wipe", "Wipe"),
      mode("before", "Before"),
      mode("after", "After"),
      picture.maps.map((name) => mode(name, `Δ ${name}`, `What ${name} changed: bright is much`)),
    ),
    h("span.what", {}, picture.clip, picture.frame === null ? "" : h("span.times", {}, ` frame ${picture.frame}`)),
    h(
      "span.buttons",
      {},
      h(
        "button",
        {
          "aria-pressed": String(!view.whole),
          data: { do: "zoom" },
          title: "One pixel of the picture on one of the screen",
        },
        "1:1",
      ),
      h("button", { data: { do: "close-run", run: run.id }, title: "Remove the preview" }, "Close"),
    ),
  );
}

function stage(run, picture) {
  return h(
    "div.screen",
    { class: view.whole ? null : "full", data: { key: "screen" } },
    h(
      "div.frame",
      {
        data: {
          own: "",
          key: `${run.id} ${run.job} ${view.index}`,
          picture: `/picture/${run.id}/${view.index}`,
          maps: picture.maps.join(" "),
        },
      },
      h("canvas", {}),
      h("div.handle", {
        role: "slider",
        tabindex: 0,
        "aria-label": "Wipe between before and after",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-valuenow": 50,
      }),
      h("span.tag.before", {}, "Before"),
      h("span.tag.after", {}, "After"),
    ),
  );
}

function strip(run) {
  if (run.pictures.length < 2) return null;
  return h(
    "div.strip",
    { role: "group", "aria-label": "Frames of the preview" },
    run.pictures.map((picture, index) =>
      h(
        "button",
        { "aria-pressed": String(index === view.index), data: { do: "picture", index } },
        `${picture.clip} · ${picture.frame ?? index + 1}`,
      ),
    ),
  );
}

/** What a button of the viewer does; whether it was one. */
export function viewerAction({ do: name, mode, index }) {
  if (name === "mode") view.mode = mode;
  else if (name === "zoom") view.whole = !view.whole;
  else if (name === "picture") view.index = Number(index);
  else return false;
  return true;
}

/** Draw what the view says into the canvas that is on the page. */
export async function draw() {
  const frame = document.querySelector(".viewer .frame");
  if (!frame) return;
  const maps = frame.dataset.maps.split(" ");
  const map = maps.indexOf(view.mode);
  const picture = await load(map < 0 || view.mode === "" ? frame.dataset.picture : `${frame.dataset.picture}/${map}`);
  if (!frame.isConnected || !picture) return;
  const canvas = frame.querySelector("canvas");
  const width = map < 0 ? (picture.naturalWidth - GAP) / 2 : picture.naturalWidth;
  if (canvas.width !== width || canvas.height !== picture.naturalHeight)
    Object.assign(canvas, { width, height: picture.naturalHeight });
  frame.style.setProperty("--aspect", width / picture.naturalHeight);
  paint(canvas, picture, map < 0 ? cut() : null);
  place(frame, map < 0);
}

/** How much of the width shows what was before. */
const cut = () => ({ before: 1, after: 0 })[view.mode] ?? view.wipe;

function paint(canvas, picture, fraction) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  if (fraction === null) return context.drawImage(picture, 0, 0);
  const column = Math.round(fraction * width);
  if (column > 0) context.drawImage(picture, 0, 0, column, height, 0, 0, column, height);
  if (column < width)
    context.drawImage(picture, width + GAP + column, 0, width - column, height, column, 0, width - column, height);
}

function place(frame, compared) {
  const handle = frame.querySelector(".handle");
  handle.hidden = view.mode !== "wipe";
  handle.style.left = `${view.wipe * 100}%`;
  handle.setAttribute("aria-valuenow", Math.round(view.wipe * 100));
  frame.querySelector(".tag.before").hidden = !compared || view.mode === "after";
  frame.querySelector(".tag.after").hidden = !compared || view.mode === "before";
}

function load(source) {
  const name = `${view.run} ${source}`;
  if (!loaded.has(name)) {
    const picture = new Image();
    picture.src = source;
    loaded.set(
      name,
      picture.decode().then(
        () => picture,
        () => null,
      ),
    );
    if (loaded.size > 24) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(name);
}

/** The wipe follows the pointer while it is held, and the arrow keys. */
export function listenForWipe() {
  const move = (event, frame) => {
    const { left, width } = frame.getBoundingClientRect();
    view.wipe = Math.min(1, Math.max(0, (event.clientX - left) / width));
    draw();
  };
  document.addEventListener("pointerdown", (event) => {
    const frame = event.target.closest?.(".viewer .frame");
    if (!frame || view.mode !== "wipe" || event.button !== 0) return;
    event.preventDefault();
    frame.querySelector(".handle").focus();
    frame.setPointerCapture(event.pointerId);
    move(event, frame);
  });
  document.addEventListener("pointermove", (event) => {
    const frame = event.target.closest?.(".viewer .frame");
    if (frame?.hasPointerCapture(event.pointerId)) move(event, frame);
  });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, PageUp: -0.1, PageDown: 0.1, Home: -1, End: 1 }[event.key];
    if (!event.target.matches?.(".viewer .handle") || step === undefined) return;
    event.preventDefault();
    view.wipe = Math.min(1, Math.max(0, view.wipe + step));
    draw();
  });
}
