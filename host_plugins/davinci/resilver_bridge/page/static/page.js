// The page: what the bridge's desk knows is fetched as it changes, drawn, and every button is sent to the desk.

import { clipsPanel, thumbnailFailed } from "./clips.js";
import { awaited, h, morph } from "./dom.js";
import { jobsPanel, runsPanel } from "./runs.js";
import { custom, settingsPanel } from "./settings.js";
import { draw, listenForWipe, viewerAction, viewerPanel } from "./viewer.js";
import { sized } from "./words.js";

const state = {
  version: 0,
  tab: "",
  gone: "",
  hello: null,
  editor: null,
  server: null,
  reading: null,
  edit: null,
  choice: { rule: -1, clips: [] },
  offer: null,
  wish: null,
  runs: [],
  jobs: null,
  busy: [],
  notices: [],
};

/** Parts of the page, each with what it is drawn from, so that only what has changed is built anew. */
const PARTS = [
  ["top", ["hello", "server", "edit", "busy", "tab", "jobs", "gone"], top],
  ["notices", ["gone", "editor", "notices", "hello"], notices],
  ["clips", ["edit", "choice", "reading", "busy", "offer", "wish"], clipsPanel],
  ["viewer", ["runs"], viewerPanel],
  ["runs", ["runs", "busy", "hello"], runsPanel],
  ["settings", ["offer", "wish", "edit", "server", "choice"], settingsPanel],
  ["jobs", ["jobs", "busy"], jobsPanel],
];
const drawn = new Map();

function top({ hello, server, edit, busy, tab, jobs }) {
  const finished = jobs?.list.filter((job) => job.waits).length ?? 0;
  const button = (name, text) =>
    h("button", { role: "tab", "aria-selected": String(tab === name), data: { do: "tab", tab: name } }, text);
  return h(
    "header.top",
    {},
    h("h1", {}, "Resilver"),
    h(
      "span.tabs",
      { role: "tablist" },
      button("restore", "Restore"),
      button("jobs", finished ? `Jobs (${finished} to place)` : "Jobs"),
    ),
    h(
      "span.timeline",
      {},
      edit
        ? [
            h("b", { title: `Project ${edit.project}` }, edit.timeline),
            h("span.times", {}, `${edit.rate} fps · ${edit.size.replace("x", " × ")} · from ${edit.start}`),
          ]
        : null,
      h(
        "button",
        { data: { do: "read" }, disabled: busy.includes("read"), title: "Look at the timeline anew" },
        busy.includes("read") ? "Reading…" : "Read again",
      ),
    ),
    h(
      "span.standing",
      {},
      h("span.server", { data: { state: server?.state ?? "starting" } }, serverText(server)),
      hello ? h("span", {}, `${hello.product} ${hello.version}`) : null,
    ),
    h("button", { data: { do: "leave" }, title: "Jobs go on, and are kept" }, "Close Resilver"),
  );
}

const serverText = (server) =>
  ({ ready: `Server ${server?.version}`, failed: "No server" })[server?.state] ?? "Starting the server…";

const GONE = {
  lost: [
    "The bridge has gone.",
    "Jobs go on on the server. Open Resilver again from DaVinci Resolve: Workspace > Scripts.",
  ],
  left: ["Resilver is closed.", "Jobs go on on the server, and wait in Resilver: Jobs. You can close this page."],
};

function notices({ gone, editor, notices, hello }) {
  const waiting = editor?.waiting ? `${hello?.product ?? "Resolve"} has not answered for ${editor.waiting} s.` : "";
  return h(
    "div.notices",
    { "aria-live": "polite" },
    gone
      ? h(
          "div.notice.error",
          { role: "alert", data: { key: "gone" } },
          h("p", {}, h("b", {}, GONE[gone][0]), ` ${GONE[gone][1]}`),
        )
      : null,
    waiting && !gone
      ? h(
          "div.notice.error",
          { role: "alert", data: { key: "waiting" } },
          h("p", {}, h("b", {}, waiting), " A dialog may be open in it: close it there, and it goes on."),
        )
      : null,
    gone
      ? null
      : notices.map((notice) =>
          h(
            "div.notice",
            {
              class: `notice ${notice.tone}`,
              role: notice.tone === "error" ? "alert" : "status",
              data: { key: notice.id },
            },
            h(
              "p",
              {},
              h("b", {}, notice.what),
              notice.where ? h("span.where", {}, ` ${notice.where} `) : " ",
              notice.remedy,
            ),
            h("button.link", { data: { do: "dismiss", notice: notice.id } }, "Dismiss"),
          ),
        ),
  );
}

function render(force) {
  const page = document.getElementById("page");
  page.dataset.tab = state.tab;
  for (const [name, sections, part] of PARTS) {
    const before = drawn.get(name);
    const now = sections.map((section) => state[section]);
    if (before && force !== true && force !== name && now.every((value, index) => value === before.from[index]))
      continue;
    const fresh = part(state);
    fresh.id = name;
    if (before) morph(document.getElementById(name), fresh);
    else page.append(fresh);
    drawn.set(name, { from: now });
  }
  for (const part of page.children) part.inert = state.gone !== "" && part.id !== "notices";
  draw();
}

/** Answers may overtake each other: one that is not newer than what is known says nothing new. */
function take({ version, sections }) {
  if (version <= state.version) return;
  state.version = version;
  Object.assign(state, sections);
  if (!state.tab && state.hello)
    state.tab = location.hash.slice(1) || (state.hello.verb === "jobs" ? "jobs" : "restore");
  render();
}

async function follow() {
  let failures = 0;
  while (!state.gone) {
    try {
      const answer = await fetch(`/state?after=${state.version}`);
      if (!answer.ok) throw new Error(String(answer.status));
      take(await answer.json());
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures > 2 || ["403", "410"].includes(error.message)) state.gone ||= "lost";
      render();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

let last = Promise.resolve();

/** Ask the desk for something. One after another: what was typed before a button was pressed is there before it.
 * `body` may be a function, which then is called when it is its turn. */
function send(action, body = {}) {
  if (state.gone) return last;
  awaited.answers += 1;
  last = last.then(() => exchange(action, typeof body === "function" ? body() : body));
  return last;
}

async function exchange(action, body) {
  const said = await asked(action, body).catch(() => null); // the follower notices that the bridge has gone
  awaited.answers -= 1;
  if (said?.error) refuse(said.error);
  else if (said) take(said);
  if (!awaited.answers) render(true); // fields show again what holds
}

async function asked(action, body) {
  const headers = { "content-type": "application/json" };
  const text = JSON.stringify({ ...body, after: state.version });
  const answer = await fetch(`/do/${action}`, { method: "POST", headers, body: text });
  return answer.json();
}

/** What the desk did not take is shown like its own notices. */
function refuse(error) {
  const id = `refused ${error.what}`;
  state.notices = [...state.notices.filter((notice) => notice.id !== id), { id, tone: "error", ...error }];
  render();
}

const change = (what) => send("change", { change: what });

/** What buttons and fields do, by data-do; everything else is sent to the desk with its data. */
const LOCAL = {
  tab: ({ tab }) => {
    state.tab = tab;
    history.replaceState(null, "", `#${tab}`);
    render();
    if (tab === "jobs") send("jobs");
  },
  rule: ({ rule }) => send("choose", { rule: Number(rule) }),
  clip: ({ clip }, field) => {
    const on = field.checked;
    send("choose", () => ({ clips: [...state.choice.clips.filter((id) => id !== clip), ...(on ? [clip] : [])] }));
  },
  "all-clips": () => send("choose", { rule: state.choice.rule }),
  "no-clips": () => send("choose", { clips: [] }),
  stage: ({ stage }, field) => change({ stage, on: field.checked }),
  parameter: ({ stage, parameter, kind }, field) => change({ stage, parameter, value: valueOf(field, kind) }),
  strength: ({ stage }, field) => change({ stage, strength: Number(field.value) }),
  asks: ({ clip, stage, asks }, field) => change({ clip, stage, asks, value: field.value }),
  "reset-stage": ({ stage }) => change({ stage, reset: true }),
  "reset-preset": () => change({ preset: state.wish.preset }),
  target: ({ target }, field) => {
    custom[field.value === "own" ? "add" : "delete"](target);
    field.value === "own" ? render("settings") : change({ [target]: field.value });
  },
  repair: (asked) => repair(asked),
  "leave-out-all": ({ run, problems }) =>
    send("repair", {
      run,
      repairs: problems.split(",").map((problem) => ({ problem: Number(problem), repair: "leave-out" })),
    }),
  leave: () => {
    send("leave").then(() => {
      state.gone = "left";
      render();
    });
  },
  dismiss: ({ notice }) => {
    if (notice.startsWith("refused")) {
      state.notices = state.notices.filter((each) => each.id !== notice);
      render();
    } else send("dismiss", { notice });
  },
};

function valueOf(field, kind) {
  if (kind === "flag") return field.checked;
  return kind === "number" || kind === "integer" ? Number(field.value) : field.value;
}

function repair({ run, problem, repair }) {
  const found = state.runs.find((each) => each.id === run)?.problems[Number(problem)];
  const go = () => send("repair", { run, repairs: [{ problem: Number(problem), repair }] });
  if (repair === "accept-licence" && found?.model) askLicence(found.model, go);
  else go();
}

function askLicence(model, accept) {
  const dialog = document.getElementById("ask");
  dialog.replaceChildren(
    h("h2", {}, model.title),
    h("p", {}, `Its weights are under ${model.weights_licence}, which restricts what they may be used for.`),
    model.notes ? h("p.hint", {}, model.notes) : "",
    h("p", {}, `${sized(model.size)} to download.`),
    h(
      "p.bar",
      {},
      h("button", { data: { do: "close-dialog" }, autofocus: true }, "Do not accept"),
      h("button.primary", { data: { do: "accept" } }, `Accept ${model.weights_licence} and install`),
    ),
  );
  LOCAL.accept = () => {
    dialog.close();
    accept();
  };
  LOCAL["close-dialog"] = () => dialog.close();
  dialog.showModal();
}

function act(element) {
  const data = { ...element.dataset };
  if (data.set) return change({ [data.set]: valueOf(element, data.kind) });
  if (viewerAction(data)) return render("viewer");
  if (LOCAL[data.do]) return LOCAL[data.do](data, element);
  const { do: action, ...rest } = data;
  return send(action, rest);
}

const isField = (element) => ["INPUT", "SELECT"].includes(element.tagName);

document.addEventListener("click", (event) => {
  const element = event.target.closest?.("[data-do]");
  if (element && !isField(element)) act(element);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-do], [data-set]")) act(event.target);
});
document.addEventListener("focusout", (event) => {
  for (const part of ["settings", "clips"])
    if (event.target.matches?.(`.${part} input[type="text"], .${part} input[type="number"]`))
      setTimeout(() => render(part), 300);
});
document.addEventListener(
  "error",
  (event) => {
    const source = event.target.dataset?.thumbnail;
    if (source) thumbnailFailed(source, () => render("clips"));
  },
  true,
);
setInterval(() => {
  if (state.tab === "jobs" && !document.hidden && !state.gone) send("standings");
}, 5000);

listenForWipe();
follow();
