// What the server says, asked for again and again: at its pace while all is well, ever more slowly while it is not, and not at
// all while nobody looks.
//
// The token lives in this tab alone.

const SLOWEST_MS = 60_000;
const MOST_PAGES = 12;

export const token = {
  get: () => sessionStorage.getItem("token"),
  set: (value) => sessionStorage.setItem("token", value),
  forget: () => sessionStorage.removeItem("token"),
};

/** Why there is no answer: `signed_out`, `forbidden`, `absent` (there is nothing, or this deployment has no such route) or `failing`. */
export class Refusal extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

const KINDS = { 401: "signed_out", 403: "forbidden", 404: "absent", 501: "absent" };

async function ask(path, signal) {
  let answer;
  try {
    answer = await fetch(path, { headers: { authorization: `Bearer ${token.get()}` }, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Refusal("failing", "The service does not answer.");
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const said = body.detail ? `${body.title}: ${body.detail}.` : `The service answered with status ${answer.status}.`;
  throw new Refusal(KINDS[answer.status] ?? "failing", said);
}

/** All pages of a list, joined; a list without end is cut. */
async function askAll({ path, list }, signal) {
  const first = await ask(path, signal);
  let { cursor } = first;
  for (let page = 1; list && cursor && page < MOST_PAGES; page += 1) {
    const next = await ask(`${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`, signal);
    first[list].push(...next[list]);
    cursor = next.cursor;
  }
  return { ...first, cursor };
}

/**
 * Asks for some things for as long as it is not stopped. A source is `{ name, path, seconds, list }`; with `list` all its pages
 * are asked for. `changed(name, entry)` is called after each answer: an entry is `{ data, at, refusal, tries }` with the last
 * good answer, the moment at which it came, and why there is no newer one.
 */
export function feed(sources, changed) {
  const stopped = new AbortController();
  const entries = {};
  for (const source of sources) {
    entries[source.name] = { data: undefined, at: undefined, refusal: undefined, tries: 0 };
    repeat(source, entries[source.name], stopped.signal, changed);
  }
  return { entries, stop: () => stopped.abort() };
}

async function repeat(source, entry, signal, changed) {
  while (!signal.aborted) {
    try {
      Object.assign(entry, { data: await askAll(source, signal), at: performance.now(), refusal: undefined, tries: 0 });
    } catch (refusal) {
      if (signal.aborted) return;
      Object.assign(entry, { refusal, tries: entry.tries + 1 });
    }
    if (signal.aborted) return;
    changed(source.name, entry);
    await pause(delay(source.seconds * 1000, entry.tries), signal);
  }
}

/** Twice as long after each refusal, up to a minute; and never all at once, when a service comes back. */
function delay(every, tries) {
  const slow = tries === 0 ? every : Math.min(every * 2 ** tries, SLOWEST_MS);
  return slow * (0.9 + 0.2 * Math.random());
}

/** Ends after a time, but not while nobody looks; at once where the network is back, or the end has come. */
function pause(milliseconds, signal) {
  return new Promise((over) => {
    const end = new AbortController();
    const finish = () => {
      if (document.hidden && !signal.aborted) return;
      end.abort();
      clearTimeout(timer);
      over();
    };
    const begun = performance.now();
    const timer = setTimeout(finish, milliseconds);
    const look = () => performance.now() - begun >= milliseconds && finish();
    document.addEventListener("visibilitychange", look, { signal: end.signal });
    addEventListener("online", finish, { signal: end.signal });
    signal.addEventListener("abort", finish, { signal: end.signal });
  });
}
