// Small sentences.

/** "1 clip", "3 clips". */
export const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** "silent-film" as "Silent film". */
export const label = (name) => capital(name.replaceAll("-", " ").replaceAll("_", " "));

export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Seconds as "about 3 min left"; empty where nothing is known. */
export function timeLeft(seconds) {
  if (seconds === null || seconds === undefined || seconds < 0) return "";
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} min left`;
  return `about ${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min left`;
}

export const percent = (fraction) => `${Math.floor(fraction * 100)} %`;

/** Bytes as "67 MB". */
export const sized = (bytes) =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;

/** Unix seconds as a day and a time in the user's own way. */
export const moment = (seconds) =>
  new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

/** What a clip can ask of a stage for itself, by what the stage takes: where it is kept, its name, an example. */
export const ASKS = {
  keep: [
    ["keep_frames", "Keep frames", "120-139, 200"],
    ["keep_mattes", "Keep matte", "keep.%04d.png"],
  ],
  matte: [["mattes", "Matte", "matte.mov"]],
  "defect-map": [["defect_maps", "Defect map", "infrared.mov"]],
  "key-frames": [["key_frames", "Key frames", "a folder"]],
};

export const LAYOUTS = {
  overlay: ["On a track above", "The originals stay below, untouched."],
  replace: ["On a track above, originals off", "The same, and the originals are switched off."],
  take: ["As a take", "In the clip itself, beside its original. Best at the clip's own rate."],
  "new-timeline": ["New timeline", "The same edit again, at the result's size and rate."],
  file: ["File for import by hand", "An OpenTimelineIO file beside the results: File > Import > Timeline."],
};

export const STATES = {
  queued: "Queued",
  analysing: "Measuring",
  rendering: "Rendering",
  joining: "Writing",
  paused: "Paused",
  waiting: "Waiting for disk space",
  succeeded: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
  gone: "Unknown to the server",
  "": "Server not asked",
};
