// The right panel: what shall be done, drawn from the server's catalogue.

import { h } from "./dom.js";
import { counted, label, LAYOUTS } from "./words.js";

const SIZES = [
  ["", "As the stages say"],
  ["timeline", "The timeline's"],
  ["1920x1080", "1920 × 1080"],
  ["2560x1440", "2560 × 1440"],
  ["3840x2160", "3840 × 2160 (UHD)"],
  ["4096x2160", "4096 × 2160 (DCI)"],
];
const RATES = [
  ["", "As the stages say"],
  ["timeline", "The timeline's"],
  ...["23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60"].map((rate) => [rate, rate]),
];

/** Fields in which something of one's own is being entered. */
export const custom = new Set();

export function settingsPanel(state) {
  const { offer, wish, edit, server, choice } = state;
  if (!offer || !wish)
    return h(
      "section.panel.settings",
      { "aria-label": "Settings" },
      h("header", {}, h("h2", {}, "Recipe")),
      starting(server),
    );
  return h(
    "section.panel.settings",
    { "aria-label": "Settings" },
    h(
      "div.scroll",
      {},
      h("header", {}, h("h2", {}, "Recipe")),
      preset(offer, wish),
      offer.stages.map((stage, index) => stageCard(stage, wish.stages[index], wish, edit, offer)),
      h("header", {}, h("h2", {}, "Target")),
      target(wish, edit),
      h("header", {}, h("h2", {}, "Result")),
      result(offer, wish, edit),
    ),
    footer(wish, choice),
  );
}

function starting(server) {
  if (server?.state !== "failed") return h("p.hint", {}, "Starting the server…");
  const { what, where, remedy } = server.error;
  return h(
    "div.problem",
    { role: "alert" },
    h("p", {}, what),
    where && h("p.where", {}, where),
    h("p.remedy", {}, remedy),
    h("button", { data: { do: "connect" } }, "Start it again"),
  );
}

function preset(offer, wish) {
  const chosen = offer.presets.find((each) => each.name === wish.preset);
  const changed = wish.stages.some((stage) => stage.differs.length);
  return h(
    "div.block",
    {},
    h(
      "label.field",
      {},
      h("span", {}, "Preset"),
      select(
        offer.presets.map((each) => [each.name, label(each.name)]),
        wish.preset,
        { set: "preset" },
      ),
    ),
    h("p.hint", {}, chosen?.summary ?? ""),
    changed
      ? h(
          "p.bar",
          {},
          h("span.mark", {}, "Changed from the preset"),
          h("button.link", { data: { do: "reset-preset" } }, "Set back"),
        )
      : null,
  );
}

function stageCard(stage, now, wish, edit, offer) {
  const laid = laidOver(stage.name, wish, edit);
  const on = now.on || Object.keys(laid).length > 0;
  return h(
    "details.stage",
    { data: { key: stage.name }, class: on ? "on" : null },
    h(
      "summary",
      { title: stage.summary },
      h("input", {
        type: "checkbox",
        role: "switch",
        checked: now.on,
        "aria-label": `${label(stage.name)} on`,
        data: { do: "stage", stage: stage.name },
      }),
      h("span.name", {}, label(stage.name)),
      !now.on && on ? h("small", {}, "for the target") : null,
      now.differs.length
        ? h("span.dot", { title: "Not as in the preset", role: "img", "aria-label": "Changed from the preset" })
        : null,
    ),
    h("p.hint", {}, stage.summary),
    stage.parameters.map((parameter) => parameterField(stage, parameter, now, laid, offer)),
    stage.renders ? strength(stage, now) : null,
    now.differs.length
      ? h("p.bar", {}, h("button.link", { data: { do: "reset-stage", stage: stage.name } }, "Set back to the preset"))
      : null,
  );
}

/** What the target sets of a stage. */
function laidOver(stage, wish, edit) {
  const size = wish.size === "timeline" ? edit?.size : wish.size;
  if (stage === "upscale" && size) return { width: size.split("x")[0], height: size.split("x")[1] };
  if (stage === "interpolate" && wish.rate) return { rate: wish.rate === "timeline" ? (edit?.rate ?? "") : wish.rate };
  return {};
}

function parameterField(stage, parameter, now, laid, offer) {
  const differs = now.differs.includes(parameter.name);
  const name = `${stage.name}.${parameter.name}`;
  const data = { do: "parameter", stage: stage.name, parameter: parameter.name, kind: parameter.kind };
  const fixed = laid[parameter.name];
  return h(
    "div.parameter",
    { data: { key: name }, class: differs ? "changed" : null },
    h("label", { for: name, title: parameter.description }, label(parameter.name)),
    fixed === undefined
      ? control(parameter, now.parameters[parameter.name], { id: name, data }, offer)
      : h("output", { id: name }, `${fixed} (target)`),
    h("small", {}, parameter.description),
  );
}

function control(parameter, value, attributes, offer) {
  if (parameter.kind === "choice")
    return select(
      parameter.choices.map((choice) => [choice, label(choice)]),
      value,
      attributes.data,
      attributes.id,
    );
  if (parameter.kind === "flag")
    return h("input", { ...attributes, type: "checkbox", role: "switch", checked: value });
  if (parameter.kind === "text") {
    if (parameter.name !== "model")
      return h("input", { ...attributes, type: "text", value, spellcheck: "false", autocomplete: "off" });
    const list = `${attributes.id}.models`;
    return [
      h("input", { ...attributes, type: "text", value, list, spellcheck: "false", autocomplete: "off" }),
      h(
        "datalist",
        { id: list },
        offer.models.map((model) =>
          h("option", { value: model.id }, model.installed ? model.title : `${model.title} (not installed)`),
        ),
      ),
    ];
  }
  const step = parameter.kind === "integer" ? 1 : "any";
  return h("input", { ...attributes, type: "number", value, min: parameter.minimum, max: parameter.maximum, step });
}

function strength(stage, now) {
  const id = `${stage.name}.strength`;
  return h(
    "div.parameter",
    { data: { key: id }, class: now.differs.includes("strength") ? "changed" : null },
    h("label", { for: id }, "Strength"),
    h(
      "span.range",
      {},
      h("input", {
        id,
        type: "range",
        min: 0,
        max: 1,
        step: 0.05,
        value: now.strength,
        data: { do: "strength", stage: stage.name },
      }),
      h("output", { for: id }, `${Math.round(now.strength * 100)} %`),
    ),
    h("small", {}, "0 % leaves the film as it is"),
  );
}

function target(wish, edit) {
  return h(
    "div.block",
    {},
    choiceOrOwn("size", "Size", SIZES, wish.size, "3840x2160", edit ? edit.size.replace("x", " × ") : ""),
    choiceOrOwn("rate", "Rate", RATES, wish.rate, "60000/1001", edit ? `${edit.rate} fps` : ""),
  );
}

/** A list to choose from, with something of one's own as the last choice. */
function choiceOrOwn(name, title, choices, value, example, timeline) {
  const own = custom.has(name) || !choices.some(([known]) => known === value);
  const shown = choices.map(([known, text]) => [
    known,
    known === "timeline" && timeline ? `${text}: ${timeline}` : text,
  ]);
  return [
    h(
      "label.field",
      {},
      h("span", {}, title),
      select([...shown, ["own", "Other…"]], own ? "own" : value, { do: "target", target: name }),
    ),
    own
      ? h(
          "label.field",
          {},
          h("span", {}, `Other ${name}`),
          h("input", {
            type: "text",
            value: choices.some(([known]) => known === value) ? "" : value,
            placeholder: example,
            data: { set: name },
            spellcheck: "false",
            autocomplete: "off",
          }),
        )
      : null,
  ];
}

function result(offer, wish, edit) {
  const needsPlace = ["overlay", "replace"].includes(wish.layout);
  return h(
    "div.block",
    {},
    h(
      "label.field",
      {},
      h("span", {}, "Format"),
      select(
        offer.profiles.map((each) => [each.name, each.summary]),
        wish.profile,
        { set: "profile" },
      ),
    ),
    h(
      "fieldset.layouts",
      {},
      h("legend", {}, "Restored clips come"),
      Object.entries(LAYOUTS).map(([name, texts]) => layout(name, texts, wish, edit)),
    ),
    needsPlace
      ? h(
          "label.field",
          {},
          h("span", {}, "If it is taken"),
          select(
            [
              ["refuse", "Say so, change nothing"],
              ["above", "Next free track"],
              ["make-room", "Make room: a new track"],
            ],
            wish.occupied,
            { set: "occupied" },
          ),
        )
      : null,
    h(
      "label.field.tall",
      {},
      h("span", {}, "Folder"),
      h("input", {
        type: "text",
        value: wish.folder,
        title: wish.folder,
        data: { set: "folder" },
        spellcheck: "false",
        autocomplete: "off",
      }),
    ),
    h(
      "label.field",
      { title: "A movie of what the stages changed, beside each result; pictures stay the same" },
      h("span", {}, "Change maps"),
      h("input", {
        type: "checkbox",
        role: "switch",
        checked: wish.change_maps,
        data: { set: "change_maps", kind: "flag" },
      }),
    ),
  );
}

function layout(name, [title, about], wish, edit) {
  const why = edit ? (edit.layouts[name] ?? "Not here") : "";
  return h(
    "label",
    { class: why ? "off" : null, title: why || about },
    h("input", {
      type: "radio",
      name: "layout",
      value: name,
      checked: wish.layout === name,
      disabled: !!why,
      data: { set: "layout" },
    }),
    h("span", {}, title),
    wish.layout === name || why ? h("small", {}, why || about) : null,
  );
}

function footer(wish, choice) {
  const number = choice?.clips.length ?? 0;
  return h(
    "footer.actions",
    {},
    h(
      "label.frames",
      {},
      h("input", {
        type: "number",
        min: 1,
        max: 12,
        step: 1,
        value: wish.preview_frames,
        "aria-label": "Frames of a preview",
        data: { set: "preview_frames", kind: "integer" },
      }),
      "frames",
    ),
    h("button", { data: { do: "preview" }, disabled: !number }, "Preview"),
    h(
      "button.primary",
      { data: { do: "start" }, disabled: !number },
      number ? `Restore ${counted(number, "clip")}` : "Restore",
    ),
  );
}

function select(choices, value, data, id) {
  const known = choices.some(([name]) => name === value);
  const all = known ? choices : [...choices, [value, value ? `${value} (not on this server)` : "Choose"]];
  return h(
    "select",
    { id: id ?? null, data, value },
    all.map(([name, text]) => h("option", { value: name }, text)),
  );
}
