// What runs and what has ended, and the jobs that are kept for the project.

import { h } from "./dom.js";
import { capital, counted, LAYOUTS, moment, percent, sized, STATES, timeLeft } from "./words.js";

export function runsPanel({ runs, busy, hello }) {
  const shown = runs.filter((run) => run.phase !== "previewed");
  if (!shown.length) return h("section.runs", { "aria-label": "Runs" });
  return h(
    "section.runs",
    { "aria-label": "Runs" },
    shown.map((run) => card(run, busy, hello)),
  );
}

const ENDINGS = {
  done: "Done",
  previewed: "Ready",
  problems: "Stopped",
  cancelled: "Cancelled",
  "taken-back": "Taken back",
};
const KINDS = { restore: "Restore", preview: "Preview", "take-up": "Place" };

function card(run, busy, hello) {
  const ended = run.phase in ENDINGS;
  return h(
    "article.run",
    { data: { key: run.id, phase: run.phase }, "aria-label": `${KINDS[run.kind]} ${run.title}` },
    h(
      "header",
      {},
      h("span.chip", {}, ended ? ENDINGS[run.phase] : KINDS[run.kind]),
      h("b", {}, run.title),
      h("span.numbers", {}, ended ? "" : [percent(run.fraction), timeLeft(run.left)].filter(Boolean).join(" · ")),
      buttons(run, ended, busy),
    ),
    ended ? ending(run, hello) : going(run),
  );
}

function buttons(run, ended, busy) {
  const data = (name) => ({ do: name, run: run.id });
  if (!ended) {
    const paused = run.state === "paused";
    const working = run.phase === "running" && run.kind !== "preview";
    return h(
      "span.buttons",
      {},
      working
        ? h(
            "button",
            { data: data(paused ? "resume" : "pause"), disabled: busy.includes(`pause ${run.id}`) },
            paused ? "Go on" : "Pause",
          )
        : null,
      h("button", { data: data("cancel"), disabled: run.phase === "cancelling" }, "Cancel"),
    );
  }
  const again =
    run.phase === "cancelled" || (run.phase === "problems" && !run.problems.some((problem) => problem.repairs.length));
  return h(
    "span.buttons",
    {},
    again ? h("button", { data: data("again") }, "Start again") : null,
    run.phase === "done" && run.placed.length && !["file", "new-timeline"].includes(run.layout)
      ? h(
          "button",
          { data: { do: "take-back", job: run.job }, disabled: busy.includes(`take back ${run.job}`) },
          "Take back",
        )
      : null,
    h("button", { data: data("close-run"), title: "Show it no longer" }, "Close"),
  );
}

function going(run) {
  if (run.phase === "installing" && run.installing) return installing(run.installing);
  const line = run.phase === "cancelling" ? "Cancelling…" : run.message || "Looking at the clips, planning…";
  return [
    bar(run.fraction, run.title, ["paused", "waiting"].includes(run.state)),
    h("p.line", { "aria-live": "polite" }, line),
    clips(run),
    sentences(run),
  ];
}

function installing({ model, done, total }) {
  const of = total ? ` of ${sized(total)}` : "";
  return [
    bar(total ? done / total : 0, `Installing ${model}`),
    h("p.line", {}, `Installing ${model}: ${sized(done)}${of}`),
  ];
}

function bar(fraction, name, still) {
  return h(
    "div.progress",
    {
      role: "progressbar",
      "aria-label": name,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": Math.floor(fraction * 100),
      class: still ? "still" : null,
    },
    h("i", { style: { width: `${fraction * 100}%` } }),
  );
}

const PHASES = { analysing: "measuring", rendering: "rendering", joining: "writing", done: "done" };

function clips(run) {
  if (run.clips.length < 2) return null;
  return h(
    "ul.of-clips",
    {},
    run.clips.map((clip, index) =>
      h(
        "li",
        { data: { key: index } },
        h("span", {}, clip.name),
        bar(clip.fraction, clip.name),
        h(
          "span.numbers",
          {},
          clip.phase === "done"
            ? "done"
            : clip.total
              ? `${PHASES[clip.phase]} ${clip.done} of ${clip.total}`
              : "waiting",
        ),
      ),
    ),
  );
}

const sentences = (run) =>
  run.said.length
    ? h(
        "ul.said",
        {},
        run.said.map((sentence) => h("li", {}, capital(sentence))),
      )
    : null;

function ending(run, hello) {
  if (run.phase === "problems") return [problems(run), sentences(run)];
  if (run.phase === "cancelled")
    return [h("p.line", {}, "Nothing was placed. What was rendered is kept for the next try."), sentences(run)];
  if (run.phase === "taken-back")
    return h("p.line", {}, "The timeline is as before. The files are still there; Jobs places them again.");
  return [
    h(
      "ul.placed",
      { "aria-label": "Where the clips lie" },
      run.placed.map((each) => h("li", {}, h("b", {}, each.name), h("span", {}, capital(each.where)))),
    ),
    run.changes.length
      ? h(
          "ul.placed",
          { "aria-label": "Change maps" },
          run.changes.map((each) => h("li", {}, h("span.where", {}, `Change map: ${each.path}`))),
        )
      : null,
    sentences(run),
  ];
}

function problems(run) {
  const leavable = run.problems.flatMap((problem, index) =>
    problem.repairs.some((each) => each.repair === "leave-out") ? [index] : [],
  );
  return h(
    "div",
    {},
    h(
      "ul.problems",
      { role: "alert" },
      run.problems.map((problem, index) => one(run, problem, index)),
    ),
    leavable.length > 1
      ? h(
          "p.bar",
          {},
          h(
            "button",
            { data: { do: "leave-out-all", run: run.id, problems: leavable.join(",") } },
            `Leave out all ${leavable.length}`,
          ),
        )
      : null,
  );
}

function one(run, problem, index) {
  return h(
    "li.problem",
    {},
    h("p", {}, problem.clip ? h("b", {}, `${problem.clip}: `) : null, problem.what),
    problem.where && problem.where !== problem.clip ? h("p.where", {}, problem.where) : null,
    h("p.remedy", {}, problem.remedy),
    problem.repairs.length
      ? h(
          "p.bar",
          {},
          problem.repairs.map((each) =>
            h("button", { data: { do: "repair", run: run.id, problem: index, repair: each.repair } }, each.label),
          ),
        )
      : null,
  );
}

export function jobsPanel({ jobs, busy }) {
  const list = jobs?.list ?? [];
  const finished = list.filter((job) => job.waits).length;
  return h(
    "section.panel.jobs",
    { "aria-label": "Jobs" },
    h(
      "header",
      {},
      h("h2", {}, "Jobs of this project"),
      h("span.count", {}, counted(list.length, "job")),
      h(
        "span.buttons",
        {},
        h("button", { data: { do: "jobs" } }, "Refresh"),
        h(
          "button.primary",
          { data: { do: "place-finished" }, disabled: !finished },
          finished ? `Place all finished (${finished})` : "Place all finished",
        ),
      ),
    ),
    jobs?.error
      ? h("div.problem", { role: "alert" }, h("p", {}, jobs.error.what), h("p.remedy", {}, jobs.error.remedy))
      : null,
    !jobs
      ? h("p.hint", {}, "Asking for the jobs…")
      : list.length
        ? h(
            "ul.list",
            {},
            list.map((job) => jobRow(job, busy)),
          )
        : h(
            "p.hint",
            {},
            "No job is kept for this project. Jobs go on when Resolve is closed, and wait here to be placed.",
          ),
  );
}

const LABELS = {
  place: "Place",
  follow: "Wait and place",
  retry: "Retry",
  "take-back": "Take back",
  forget: "Forget",
  stop: "Cancel",
};
const TITLES = {
  forget: "Keep it here no longer; clips on the timeline and files stay",
  follow: "Wait until it is finished, then place its clips",
};

function jobRow(job, busy) {
  const state = job.placed.length ? "Placed" : (STATES[job.state] ?? job.state);
  return h(
    "li.job",
    { data: { key: job.job, state: job.placed.length ? "placed" : job.state } },
    h("span.chip", {}, job.followed ? "Running here" : state),
    h(
      "span.about",
      {},
      h("b", {}, job.title),
      h(
        "span.times",
        {},
        [moment(job.submitted), LAYOUTS[job.layout]?.[0] ?? job.layout, job.here ? "" : `on timeline ${job.timeline}`]
          .filter(Boolean)
          .join(" · "),
      ),
      h("span.times", {}, job.placed.length ? job.placed.map(capital).join("; ") : job.clips.join(", ")),
      job.error ? h("span.why", {}, `${job.error.what}. ${job.error.remedy}`) : null,
    ),
    h(
      "span.buttons",
      {},
      job.can.map((name) =>
        h(
          "button",
          {
            data: { do: name === "follow" ? "place" : name, job: job.job },
            title: TITLES[name] ?? null,
            disabled: busy.some((each) => each.endsWith(` ${job.job}`)),
          },
          name === "place" && job.layout === "file" ? "Write the file" : LABELS[name],
        ),
      ),
    ),
  );
}
