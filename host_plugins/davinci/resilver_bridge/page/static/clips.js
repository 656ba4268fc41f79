// The left panel: which rule says what is meant, and the clips themselves.

import { h } from "./dom.js";
import { ASKS, capital, counted, label } from "./words.js";

/** Thumbnails that could not be made, with why; and how often one was asked for again. */
const failed = new Map();
const asked = new Map();

export function clipsPanel({ edit, choice, reading, busy, offer, wish }) {
  const looking = busy.includes("read");
  if (reading?.error && !looking) return panel(null, problem(reading.error));
  if (!edit) return panel(null, h("p.hint", {}, "Looking at the timeline…"));
  const rule = edit.rules[choice.rule] ?? (choice.clips.length ? { clips: choice.clips } : null);
  return panel(
    h("span.count", {}, `${choice.clips.length} of ${rule ? rule.clips.length : 0} chosen`),
    rules(edit, choice),
    rule
      ? list(edit, rule, new Set(choice.clips), { offer, wish })
      : h("p.hint", {}, "No rule matches a clip. Select clips in Resolve, then read again."),
  );
}

function panel(count, ...content) {
  return h("section.panel.clips", { "aria-label": "Clips" }, h("header", {}, h("h2", {}, "Clips"), count), ...content);
}

function problem(error) {
  return h(
    "div.problem",
    { role: "alert" },
    h("p", {}, error.what),
    error.where && h("p.where", {}, error.where),
    h("p.remedy", {}, error.remedy),
    h("button", { data: { do: "read" } }, "Read again"),
  );
}

function rules(edit, choice) {
  const first = edit.rules.find((rule) => rule.clips.length);
  return h(
    "fieldset.rules",
    {},
    h("legend.hidden", {}, "Which clips"),
    edit.rules.map((rule, index) =>
      h(
        "label",
        { class: rule.clips.length ? null : "off", title: rule.why_not || rule.label },
        h("input", {
          type: "radio",
          name: "rule",
          checked: index === choice.rule,
          disabled: !rule.clips.length,
          data: { do: "rule", rule: index },
        }),
        h("span", {}, capital(rule.label)),
        rule === first
          ? h("small", { title: "The first rule that matches is taken, unless you choose another" }, "matched")
          : null,
        rule.clips.length ? null : h("small", {}, rule.why_not),
      ),
    ),
  );
}

function list(edit, rule, chosen, asked) {
  const positions = new Map(edit.clips.map((clip, index) => [clip.id, index]));
  const able = rule.clips.filter((id) => !edit.clips[positions.get(id)].refusal);
  return [
    h(
      "p.bar",
      {},
      h("button.link", { data: { do: "all-clips" }, disabled: able.length === chosen.size }, "All"),
      h("button.link", { data: { do: "no-clips" }, disabled: !chosen.size }, "None"),
      able.length < rule.clips.length
        ? h("span.warn", {}, `${counted(rule.clips.length - able.length, "clip")} cannot be restored`)
        : null,
    ),
    h(
      "ul.list",
      {},
      rule.clips.map((id) => row(edit, positions.get(id), chosen, asked)),
    ),
  ];
}

function row(edit, index, chosen, asked) {
  const clip = edit.clips[index];
  return h(
    "li",
    { data: { key: clip.id }, class: clip.refusal ? "refused" : null },
    h(
      "label",
      { title: clip.media || null },
      h("input", {
        type: "checkbox",
        checked: chosen.has(clip.id),
        disabled: !!clip.refusal,
        data: { do: "clip", clip: clip.id },
      }),
      thumbnail(edit.number, index, clip),
      h(
        "span.about",
        {},
        h("b", {}, clip.name),
        h("span.times", {}, `${clip.in} – ${clip.out}`),
        h("span.times", {}, `V${clip.track} · ${counted(clip.frames, "frame")}`),
      ),
    ),
    clip.refusal ? h("p.why", {}, `${clip.refusal.what}. ${clip.refusal.remedy}.`) : null,
    chosen.has(clip.id) ? asks(clip, asked) : null,
  );
}

/** What the clip asks for itself: frames that stages leave alone, pictures for them. */
function asks(clip, { offer, wish }) {
  const own = wish?.own[clip.id] ?? {};
  const stages = (offer?.stages ?? []).filter((stage, index) => wish?.stages[index].on && stage.inputs.length);
  if (!stages.length) return null;
  const number = Object.values(own).reduce((sum, texts) => sum + Object.keys(texts).length, 0);
  return h(
    "details.asks",
    { data: { key: `${clip.id} asks` } },
    h(
      "summary",
      { title: "For this clip alone: frames of the film that a stage leaves as they are, and pictures that it works with" },
      "Keep frames, mattes",
      number ? h("span.dot", { title: `${number} set`, role: "img", "aria-label": `${number} set` }) : null,
    ),
    clip.first === null ? null : h("p.hint", {}, `It begins with frame ${clip.first} of its film.`),
    stages.map((stage) =>
      h(
        "fieldset",
        { data: { key: stage.name } },
        h("legend", {}, label(stage.name)),
        stage.inputs.flatMap((input) => ASKS[input] ?? []).map((ask) => askField(clip, stage, ask, own)),
      ),
    ),
  );
}

function askField(clip, stage, [kind, name, example], own) {
  return h(
    "label.field",
    { data: { key: kind } },
    h("span", {}, name),
    h("input", {
      type: "text",
      value: own[kind]?.[stage.name] ?? "",
      placeholder: example,
      "aria-label": `${name}, ${label(stage.name)}, ${clip.name}`,
      data: { do: "asks", clip: clip.id, stage: stage.name, asks: kind },
      spellcheck: "false",
      autocomplete: "off",
    }),
  );
}

function thumbnail(reading, index, clip) {
  const source = `/thumbnail/${reading}/${index}`;
  const why = failed.get(source);
  if (why !== undefined)
    return h("span.thumbnail.none", { title: why, role: "img", "aria-label": `No picture: ${why}` }, "no picture");
  const again = asked.get(source);
  return h(
    "span.thumbnail",
    {},
    h("img", {
      src: again ? `${source}?again=${again}` : source,
      loading: "lazy",
      alt: `First frame of ${clip.name}`,
      draggable: "false",
      data: { thumbnail: source },
    }),
  );
}

/** A thumbnail did not come: either it is still being made, or the server says why there is none. */
export async function thumbnailFailed(source, render) {
  const answer = await fetch(source).catch(() => null);
  if (answer === null) return;
  if (answer.status === 404) failed.set(source, await answer.text());
  else {
    await new Promise((resolve) => setTimeout(resolve, answer.ok ? 0 : 1000));
    asked.set(source, (asked.get(source) ?? 0) + 1);
  }
  render();
}
